"""report.html in headless Chromium: nothing is asked of anybody, and all is within reach.

The browser is found on PATH (Debian: apt install chromium) or named by the variable CHROMIUM.
"""

from dataclasses import replace

import pytest
from chromium import Chromium, find_chromium

from ros2_hand_action.replay.judgement import Check, Judgement
from ros2_hand_action.replay.recording import Recording
from ros2_hand_action.replay.render import render
from ros2_hand_action.replay.report import make_report

LEAST_CONTRAST = 4.5
"""WCAG 2.1, AA."""

CONTRASTS = """
(() => {
  const part = (c) => { c /= 255; return c <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4; };
  const read = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const shade = ([r, g, b]) => .2126 * part(r) + .7152 * part(g) + .0722 * part(b);
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const c = read(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] > .99) return c;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const e of document.querySelectorAll('body *')) {
    const text = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!text || !e.getClientRects().length || e.closest('svg')) continue;
    const style = getComputedStyle(e);
    const [a, b] = [shade(read(style.color)), shade(ground(e))].sort((p, q) => q - p);
    found.push([(a + .05) / (b + .05), parseFloat(style.fontSize), e.textContent.slice(0, 40)]);
  }
  return found;
})()
"""


@pytest.fixture(scope='module')
def chromium(tmp_path_factory):
    path = find_chromium()
    if path is None:
        pytest.skip('no chromium on PATH: apt install chromium, or set CHROMIUM to its path')
    browser = Chromium(path, tmp_path_factory.mktemp('chromium'))
    yield browser
    browser.close()


@pytest.fixture
def page(chromium, recording, people_clip, tmp_path):
    """Open a report of two clips, one of them judged."""
    both = Recording((recording.clips[0], people_clip), recording.labels, recording.system)
    frames = both.clips[0].frames
    judgement = Judgement('a_clip', 'a.expect.yaml', (
        Check('line 1', 'gesture stop', 'stop at 0.5 s', frames[5].stamp_ns, True),
        Check('line 2', 'never: gesture stop', 'stop at 0.9 s', frames[9].stamp_ns, False),
    ), ('+ 0.5 s stop',))  # fmt: skip
    path = tmp_path / 'report.html'
    path.write_text(make_report(both, render(both), [judgement]))
    chromium.open(path.as_uri())
    return chromium


def shown_times(page):
    """Return the play heads' times and those of their pictures."""
    return page.evaluate(
        "[...document.querySelectorAll('section[data-clip]')].map((s) => [parseFloat("
        "s.querySelector('.time').textContent), Number(s.querySelector('.shot').dataset.t)])"
    )


def place(page, selector):
    """Return the centre of an element in the window, scrolled into it."""
    return page.evaluate(
        f"(() => {{ const e = document.querySelector('{selector}'); e.scrollIntoView({{block: "
        "'center'}); const r = e.getBoundingClientRect(); "
        'return [r.x + r.width / 2, r.y + r.height / 2]; })()'
    )


def click(page, selector):
    x, y = place(page, selector)
    page.mouse('mousePressed', x, y)
    page.mouse('mouseReleased', x, y)


def test_nothing_leaves_the_file_and_nothing_goes_wrong(page):
    shown_times(page)
    requests = [
        event['params']['request']['url'] for event in page.events
        if event['method'] == 'Network.requestWillBeSent'
    ]
    assert requests
    assert {url.partition(':')[0] for url in requests} <= {'file', 'data'}
    assert sum(url.startswith('file:') for url in requests) == 1
    problems = [
        event for event in page.events
        if event['method'] in ('Runtime.exceptionThrown', 'Log.entryAdded')
        or (event['method'] == 'Runtime.consoleAPICalled')
    ]
    assert problems == []


def test_other_scripts_and_requests_are_refused(page):
    page.evaluate(
        "(() => { const s = document.createElement('script'); s.textContent = 'window.bad = 1'; "
        "document.body.append(s); const i = new Image(); i.src = 'https://example.org/a.png'; "
        "document.body.append(i); fetch('https://example.org').catch(() => {}); })()"
    )

    def refusals():
        assert page.evaluate('window.bad') is None
        return [
            event for event in page.events if event['method'] == 'Log.entryAdded'
            and 'Content Security Policy' in event['params']['entry']['text']
        ]

    page.wait(lambda: len(refusals()) >= 3, 'three refusals')


def test_the_keyboard_reaches_every_event(page):
    page.evaluate("document.querySelector('.scrub').focus()")
    page.press('Home')
    assert shown_times(page)[0][0] == 0.0
    seen = []
    for _ in range(4):
        page.press('n', text='n')
        seen.append(shown_times(page)[0][0])
    assert seen == [0.5, 0.9, 1.0, 1.6]
    page.press('p', text='p')
    assert shown_times(page)[0][0] == 1.0
    page.press('ArrowRight')
    assert shown_times(page)[0][0] == pytest.approx(1.1)
    page.press('ArrowLeft')
    page.press('ArrowLeft')
    assert shown_times(page)[0][0] == pytest.approx(0.9)


def test_tab_and_enter_reach_every_event(page):
    page.evaluate("document.querySelector('.after').focus()")
    reached = set()
    for _ in range(20):
        page.press('Tab')
        time_s = page.evaluate("document.activeElement.dataset.t || ''")
        inside = page.evaluate("Boolean(document.activeElement.closest('#clip-0'))")
        if time_s and inside:
            page.press('Enter', text='\r')
            assert shown_times(page)[0][0] == float(time_s)
            reached.add(float(time_s))
    assert reached == {0.5, 0.9, 1.0, 1.6}


def test_a_click_reaches_every_event_and_its_picture(page):
    for time_s in (1.6, 0.5, 1.0):
        for kind in ('.lane button', 'td button'):
            click(page, f'#clip-0 {kind}[data-t="{time_s}"]')
            assert shown_times(page)[0] == [time_s, time_s]


def test_the_mouse_drags_the_play_head(page):
    box = page.evaluate(
        "(() => { const r = document.querySelector('#clip-0 .axis').previousElementSibling; "
        "const e = document.querySelector('#clip-0 .plot'); e.scrollIntoView({block: 'center'}); "
        'const b = e.getBoundingClientRect(); return [b.x, b.y + b.height / 2, b.width]; })()'
    )
    x, y, width = box
    page.mouse('mousePressed', x + 0.25 * width, y)
    first_s = shown_times(page)[0][0]
    page.mouse('mouseMoved', x + 0.75 * width, y)
    page.mouse('mouseReleased', x + 0.75 * width, y)
    second_s = shown_times(page)[0][0]
    assert first_s == pytest.approx(0.475, abs=0.06)
    assert second_s == pytest.approx(1.425, abs=0.06)
    page.mouse('mouseMoved', x + 0.1 * width, y)
    assert shown_times(page)[0][0] == second_s


def test_a_moment_leads_to_its_clip(page):
    click(page, '.moment[data-of="1"]')
    wanted_s = page.evaluate("Number(document.querySelector('.moment[data-of=\"1\"]').dataset.at)")
    assert shown_times(page)[1] == [wanted_s, wanted_s]


def test_the_picture_is_the_nearest_one(page):
    page.evaluate("document.querySelector('#clip-0 .scrub').focus()")
    stills = page.evaluate(
        "JSON.parse(document.getElementById('data').textContent).clips[0].stills.map((s) => s.t)"
    )
    page.press('Home')
    for _ in range(12):
        page.press('ArrowRight')
        now_s, still_s = shown_times(page)[0]
        assert abs(still_s - now_s) == pytest.approx(min(abs(t - now_s) for t in stills))


def test_playing_ends_at_the_end(page):
    page.evaluate("document.querySelector('#clip-0 .scrub').focus()")
    page.press('Home')
    click(page, '#clip-0 .play')
    assert page.evaluate("document.querySelector('#clip-0 .play').textContent") == 'Pause'
    page.wait(
        lambda: page.evaluate("document.querySelector('#clip-0 .play').textContent") == 'Play',
        'the end of the clip',
    )
    assert shown_times(page)[0][0] == pytest.approx(1.9)


def test_bodies_are_drawn_in_three_projections_in_metres(page):
    texts = page.evaluate(
        "[...document.querySelectorAll('#clip-1 .space text')].map((t) => t.textContent)"
    )
    assert {'front: up (m)', 'side', 'top: distance (m)', 'x: right (m)'} <= set(texts)
    assert texts.count('p1') == 3
    counts = page.evaluate(
        "[...document.querySelectorAll('#clip-1 .space g')].map((g) => g.children.length)"
    )
    assert len(counts) == 3
    assert min(counts) > 10
    assert page.evaluate("document.querySelector('#clip-1 .now').textContent").startswith('p1')
    assert not page.evaluate("Boolean(document.querySelector('#clip-0 .space'))")


@pytest.mark.parametrize('scheme', ['light', 'dark'])
@pytest.mark.parametrize('width_px', [390, 1440])
def test_it_is_readable(page, width_px, scheme):
    page('Emulation.setDeviceMetricsOverride', width=width_px, height=900, deviceScaleFactor=1,
         mobile=width_px < 500)  # fmt: skip
    features = [{'name': 'prefers-color-scheme', 'value': scheme}]
    page('Emulation.setEmulatedMedia', features=features)
    assert page.evaluate('innerWidth') == width_px
    assert page.evaluate(
        'document.documentElement.scrollWidth - document.documentElement.clientWidth'
    ) == 0
    found = page.evaluate(CONTRASTS)
    assert len(found) > 60
    assert [entry for entry in found if entry[0] < LEAST_CONTRAST or entry[1] < 12] == []
    dark = page.evaluate('getComputedStyle(document.body).backgroundColor') == 'rgb(16, 19, 23)'
    assert dark == (scheme == 'dark')


def test_names_cannot_run_as_scripts(chromium, recording, tmp_path):
    evil = '</script><script>window.bad = 1</script><img src=x onerror="window.bad = 1">'
    clip = replace(recording.clips[0], name=evil, shows=evil, source=evil)
    html = make_report(Recording((clip,), (evil,), {evil: evil}), title=evil)
    path = tmp_path / 'report.html'
    path.write_text(html)
    chromium.open(path.as_uri())
    assert chromium.evaluate('window.bad') is None
    assert chromium.evaluate("document.querySelectorAll('script').length") == 2
    assert chromium.evaluate("document.querySelector('h3').textContent").startswith('</script>')
