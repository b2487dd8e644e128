// The play heads of report.html. Every clip's picture, numbers and 3D view follow its play head.
'use strict';
(() => {
  const SVG = 'http://www.w3.org/2000/svg';
  const all = JSON.parse(document.getElementById('data').textContent);

  function nearest(times, value) {
    let low = 0, high = times.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (times[middle] <= value) low = middle; else high = middle;
    }
    return value - times[low] <= times[high] - value ? low : high;
  }

  function shape(parent, kind, attributes, text) {
    const made = document.createElementNS(SVG, kind);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    if (text !== undefined) made.textContent = text;
    parent.append(made);
    return made;
  }

  // Three projections at one scale, arranged as in a drawing: side beside front, top below it.
  class Space {
    constructor(svg, range, limbs) {
      const span = (pair) => pair[1] - pair[0];
      const left = 30, top = 24, gap = 44, low = 40;
      const room = Math.min(Math.max(svg.clientWidth, 300), 560);
      this.scale = Math.min(
        (room - left - gap - 6) / (span(range.x) + span(range.z)),
        (620 - top - gap - low) / (span(range.y) + span(range.z)));
      svg.replaceChildren();
      const wide = span(range.x) * this.scale, deep = span(range.z) * this.scale;
      const tall = span(range.y) * this.scale;
      this.range = range;
      this.limbs = limbs;
      const lower = top + tall + gap;
      svg.setAttribute('viewBox', `0 0 ${left + wide + gap + deep + 6} ${lower + deep + low}`);
      const up = range.y.map((value) => -value).reverse();  // y looks down
      this.views = [
        this.view(svg, 'front', left, top, 0, 1, range.x, up),
        this.view(svg, 'side', left + wide + gap, top, 2, 1, range.z, up),
        this.view(svg, 'top', left, lower, 0, 2, range.x, range.z),
      ];
      this.axis(svg, 'z: distance (m)', left + wide + gap, top + tall + 34);
      this.axis(svg, 'x: right (m)', left, lower + deep + 34);
      const keyX = left + wide + gap, keyY = lower + 16;
      for (const [row, [kind, name]] of [['left', 'left side'],
        ['right', 'right side'], ['middle', 'middle']].entries()) {
        const y = keyY + 22 * row;
        shape(svg, 'line', {class: `limb ${kind}`, x1: keyX, x2: keyX + 18, y1: y, y2: y});
        shape(svg, 'text', {x: keyX + 26, y: y + 4}, name);
      }
    }

    axis(svg, text, x, y) { shape(svg, 'text', {x, y}, text); }

    view(svg, title, left, top, across, along, horizontal, vertical) {
      const width = (horizontal[1] - horizontal[0]) * this.scale;
      const height = (vertical[1] - vertical[0]) * this.scale;
      const place = {
        x: (value) => left + (value - horizontal[0]) * this.scale,
        y: (value) => top + height - (value - vertical[0]) * this.scale,
      };
      const label = {front: 'front: up (m)', side: 'side', top: 'top: distance (m)'}[title];
      shape(svg, 'text', {class: 'title', x: left, y: top - 8}, label);
      const clip = shape(svg, 'svg', {
        x: left, y: top, width, height, viewBox: `${left} ${top} ${width} ${height}`,
      });
      shape(clip, 'rect', {class: 'frame', x: left, y: top, width, height});
      const step = this.scale > 60 ? 0.5 : this.scale > 26 ? 1 : 2;
      for (let value = Math.ceil(horizontal[0] / step) * step; value <= horizontal[1]; value += step) {
        const x = place.x(value);
        shape(clip, 'line', {class: 'grid', x1: x, x2: x, y1: top, y2: top + height});
        if (Number.isInteger(value)) {
          shape(svg, 'text', {x, y: top + height + 16, 'text-anchor': 'middle'}, value);
        }
      }
      for (let value = Math.ceil(vertical[0] / step) * step; value <= vertical[1]; value += step) {
        const y = place.y(value);
        shape(clip, 'line', {class: 'grid', y1: y, y2: y, x1: left, x2: left + width});
        if (Number.isInteger(value) && title !== 'side') {
          shape(svg, 'text', {x: left - 8, y: y + 4, 'text-anchor': 'end'}, value);
        }
      }
      const drawn = shape(clip, 'g', {});
      return {place, top, across, along, drawn, isTop: title === 'top'};
    }

    show(bodies) {
      for (const {place, top, across, along, drawn, isTop} of this.views) {
        drawn.replaceChildren();
        for (const body of bodies) {
          const points = body.points.map((point) => point && [
            place.x(point[across] / 1000),
            place.y((isTop ? point[along] : -point[along]) / 1000)]);
          for (const [first, second, kind] of this.limbs) {
            const [a, b] = [points[first], points[second]];
            if (!a || !b) continue;
            shape(drawn, 'line', {
              class: `limb ${kind}`, x1: a[0], y1: a[1], x2: b[0], y2: b[1],
            });
          }
          const known = points.filter(Boolean);
          if (!known.length) continue;
          const mean = known.reduce((sum, point) => sum + point[0], 0) / known.length;
          const highest = Math.min(...known.map((point) => point[1]));
          const y = Math.max(highest - 8, top + 14);
          shape(drawn, 'text', {class: 'name', x: mean, y}, body.id);
        }
      }
    }
  }

  class Player {
    constructor(section, clip) {
      this.section = section;
      this.clip = clip;
      this.find = (selector) => section.querySelector(selector);
      this.tracks = this.find('.tracks');
      this.scrub = this.find('.scrub');
      this.times = clip.samples.map((sample) => sample.t);
      this.stillTimes = clip.stills.map((still) => still.t);
      this.stops = clip.stops;
      const svg = this.find('.space svg');
      this.layOut = () => {
        this.space = svg && new Space(svg, clip.range, all.limbs);
        if (this.time !== undefined) this.seek(this.time);
      };
      this.layOut();
      let width = svg && svg.clientWidth;
      window.addEventListener('resize', () => {
        if (!svg || svg.clientWidth === width) return;
        width = svg.clientWidth;
        this.layOut();
      });
      this.playing = 0;
      this.scrub.max = this.times.length - 1;
      this.scrub.addEventListener('input', () => this.seek(this.times[this.scrub.value]));
      this.tracks.addEventListener('pointerdown', (event) => this.drag(event));
      this.find('.play').addEventListener('click', () => this.toggle());
      this.find('.before').addEventListener('click', () => this.jump(-1));
      this.find('.after').addEventListener('click', () => this.jump(1));
      for (const button of section.querySelectorAll('[data-t]')) {
        button.addEventListener('click', () => this.seek(Number(button.dataset.t)));
      }
      section.addEventListener('keydown', (event) => this.press(event));
      this.seek(clip.start);
    }

    seek(time) {
      const index = nearest(this.times, time);
      this.time = time;
      this.scrub.value = index;
      const text = `${time.toFixed(2)} s`;
      this.scrub.setAttribute('aria-valuetext', text);
      this.find('.time').textContent = `${text} / ${this.clip.duration.toFixed(1)} s`;
      this.find('.head').style.left =
        `calc(var(--name) + var(--gap) + (100% - var(--name) - var(--gap)) * ${
          Math.min(time / this.clip.duration, 1)})`;
      this.showPicture(time);
      this.showNumbers(this.clip.samples[index]);
      if (this.space) this.space.show(this.clip.samples[index].bodies || []);
      for (const row of this.section.querySelectorAll('tr[data-at]')) {
        row.classList.toggle('here', Number(row.dataset.at) === time);
      }
    }

    showPicture(time) {
      if (!this.stillTimes.length) return;
      const index = nearest(this.stillTimes, time);
      if (index === this.shown) return;
      this.shown = index;
      const still = this.clip.stills[index], image = this.find('.shot');
      image.src = `data:image/jpeg;base64,${still.jpeg}`;
      image.alt = `${this.clip.name} at ${still.t.toFixed(2)} s, with what was found`;
      image.dataset.t = still.t;
    }

    showNumbers(sample) {
      const list = this.find('.now');
      const lines = [...(sample.hands || []), ...(sample.bodies || [])].map(
        (found) => [found.id, found.text]);
      const away = sample.hands === undefined && sample.bodies === undefined;
      if (!lines.length) {
        lines.push(['', away ? 'left out: the nodes were busy' : 'nobody in view']);
      }
      list.replaceChildren(...lines.map(([id, text]) => {
        const item = document.createElement('li'), name = document.createElement('b');
        name.textContent = id;
        item.append(name, ` ${text}`);
        return item;
      }));
    }

    jump(direction) {
      const open = direction > 0
        ? this.stops.find((time) => time > this.time + 1e-6)
        : this.stops.filter((time) => time < this.time - 1e-6).pop();
      if (open !== undefined) this.seek(open);
    }

    press(event) {
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      if (event.key === 'n' || event.key === 'p') this.jump(event.key === 'n' ? 1 : -1);
      else if (event.key === ' ' && event.target === this.scrub) this.toggle();
      else return;
      event.preventDefault();
    }

    drag(event) {
      if (event.target.closest('button, input') || event.button) return;
      const lane = this.find('.lane').getBoundingClientRect();
      const follow = (moved) => {
        const part = (moved.clientX - lane.left) / lane.width;
        this.seek(Math.min(Math.max(part, 0), 1) * this.times[this.times.length - 1]);
      };
      if (event.clientX < lane.left - 8) return;
      follow(event);
      this.tracks.setPointerCapture(event.pointerId);
      this.tracks.addEventListener('pointermove', follow);
      const stop = () => this.tracks.removeEventListener('pointermove', follow);
      this.tracks.addEventListener('pointerup', stop, {once: true});
      this.tracks.addEventListener('pointercancel', stop, {once: true});
    }

    toggle() {
      const button = this.find('.play');
      if (this.playing) {
        cancelAnimationFrame(this.playing);
        this.playing = 0;
        button.textContent = 'Play';
        return;
      }
      const last = this.times[this.times.length - 1];
      if (this.time >= last) this.time = 0;
      const begin = performance.now() - 1000 * this.time;
      button.textContent = 'Pause';
      const step = (now) => {
        const time = (now - begin) / 1000;
        if (time >= last) { this.seek(last); this.toggle(); return; }
        this.seek(Math.max(time, 0));
        this.playing = requestAnimationFrame(step);
      };
      this.playing = requestAnimationFrame(step);
    }
  }

  const players = [...document.querySelectorAll('section[data-clip]')].map((section) => {
    const clip = all.clips[section.dataset.clip];
    return clip.samples.length ? new Player(section, clip) : null;
  });
  for (const moment of document.querySelectorAll('.moment')) {
    moment.addEventListener('click', () => {
      const player = players[moment.dataset.of];
      player.seek(Number(moment.dataset.at));
      player.section.scrollIntoView({behavior: 'smooth'});
      player.scrub.focus({preventScroll: true});
    });
  }
})();
