"""The look of report.html: one style sheet, no script, nothing from outside the file."""

STYLE = """
:root {
  color-scheme: light dark;
  --ground: #f6f7f9; --card: #fff; --ink: #1b2026; --quiet: #5f6b78; --line: #dfe4ea;
  --seen: #c3ccd6; --bar: #2e7dd1;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14171b; --card: #1d2126; --ink: #e8ebee; --quiet: #9aa6b2; --line: #323a43;
    --seen: #4a5561; --bar: #5b9fe3;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1.5rem 1rem 3rem; max-width: 76rem; background: var(--ground);
  color: var(--ink); font: 16px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif;
}
h1 { margin: 0; font-size: 1.6rem; line-height: 1.25; }
h2 { margin: 2.2rem 0 .8rem; font-size: 1.2rem; }
h3 { margin: 0; font-size: 1.05rem; }
p { margin: .3rem 0; }
.quiet { color: var(--quiet); font-size: .875rem; }
.tiles {
  display: grid; gap: .75rem; margin: 1.2rem 0;
  grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr));
}
.card {
  background: var(--card); border: 1px solid var(--line); border-radius: .6rem;
  padding: .9rem 1rem; min-width: 0;
}
.tile b { display: block; font-size: 1.5rem; line-height: 1.3; font-weight: 650; }
video, img { display: block; width: 100%; height: auto; border-radius: .5rem; }
video { max-width: 52rem; border: 1px solid var(--line); }
.pictures {
  display: grid; gap: .9rem; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr));
}
figure { margin: 0; }
.pictures figure {
  background: var(--card); border: 1px solid var(--line); border-radius: .6rem;
  overflow: hidden;
}
.pictures img { border-radius: 0; }
figcaption { padding: .6rem .8rem .7rem; overflow-wrap: anywhere; }
.clip { margin-bottom: 1rem; }
.clip header {
  display: flex; flex-wrap: wrap; gap: .1rem .8rem; align-items: baseline;
  margin-bottom: .6rem;
}
.row {
  display: grid; grid-template-columns: 5rem 1fr; gap: .6rem; align-items: center;
  min-height: 1.7rem;
}
.row > span {
  font-size: .8rem; color: var(--quiet); text-align: right; overflow-wrap: anywhere;
}
.lane { position: relative; height: 1.4rem; border-bottom: 1px solid var(--line); }
.lane i, .lane b { position: absolute; border-radius: .2rem; min-width: 2px; }
.lane i { top: .5rem; height: .4rem; background: var(--seen); }
.lane b {
  top: .1rem; height: 1.2rem; padding: 0 .35rem; color: #fff; font-size: .75rem;
  line-height: 1.2rem; font-weight: 600; white-space: nowrap; overflow: hidden;
}
.axis { border: 0; height: 1.2rem; font-size: .75rem; color: var(--quiet); }
.axis em {
  position: absolute; transform: translateX(-50%); font-style: normal;
  white-space: nowrap;
}
.scroll { overflow-x: auto; }
.clip .scroll { margin: .8rem 0; }
.events td { white-space: nowrap; }
table { border-collapse: collapse; width: 100%; font-size: .875rem; }
th, td {
  padding: .35rem .9rem .35rem 0; text-align: left; border-bottom: 1px solid var(--line);
  vertical-align: top;
}
td:last-child, th:last-child { padding-right: 0; }
th { color: var(--quiet); font-weight: 500; white-space: nowrap; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
tr:last-child > * { border-bottom: 0; }
.dot {
  display: inline-block; width: .7em; height: .7em; border-radius: 50%; margin-right: .45em;
}
.bars {
  position: relative; display: flex; align-items: flex-end; gap: 2px; height: 9rem;
  border-bottom: 1px solid var(--line);
}
.bars i { flex: 1; min-height: 0; background: var(--bar); border-radius: 2px 2px 0 0; }
.mark {
  position: absolute; top: 0; bottom: 0; border-left: 2px dashed var(--quiet);
  padding-left: .35rem; font-size: .75rem; color: var(--quiet); white-space: nowrap;
}
.mark.late { padding: 1.1rem 0 0 .35rem; }
.mark.flip { border-left: 0; border-right: 2px dashed var(--quiet); padding: 0 .35rem 0 0;
  transform: translateX(-100%); }
.mark.late.flip { padding-top: 1.1rem; }
.two { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(19rem, 1fr)); }
"""
