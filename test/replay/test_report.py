"""report.html: well formed, self-contained, and safe against any name."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from ros2_hand_action.replay.judgement import Check, Judgement
from ros2_hand_action.replay.recording import Recording
from ros2_hand_action.replay.render import render
from ros2_hand_action.replay.report import KeyPicture, Pictures, Still, make_report
from ros2_hand_action.replay.timeline_picture import write_timeline

VOID = {'meta', 'img', 'br', 'link', 'input'}
PICTURES = Pictures(
    (KeyPicture(b'\xff\xd8jpeg', 'stop begins', 'left hand h1', 0, 0.5),),
    ((Still(b'\xff\xd8still', 0.5),),),
)


class Page(HTMLParser):
    """Checks that tags are closed in order, and collects what a test asks for."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.links, self.text = [], [], [], ''
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ('src', 'href', 'poster')]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {'style', 'script'} & set(self.open):
            self.text += data + ' '


def data_of(html):
    """Return what the report's script reads."""
    text = re.search(r'<script type="application/json" id="data">(.*?)</script>', html)[1]
    return json.loads(text)


def test_the_page_shows_pictures_hands_events_and_latency(recording):
    html = make_report(recording, PICTURES)
    page = Page(html)
    assert page.tags.count('img') == 2  # a moment, and the picture at the play head
    for text in ('a clip', 'stop begins', 'h1 left', 'STARTED', 'HELD', 'ENDED', '1.30 s',
                 'median 21 ms', 'hand_detector', '9.0 ms', '16 of 20 answered',
                 'pypi somewhere 1.0', 'MIT'):
        assert text in page.text
    (clip,) = data_of(html)['clips']
    assert clip['stops'] == [0.5, 1.0, 1.6]
    assert clip['start'] == 0.5
    assert clip['stills'] == [{'t': 0.5, 'jpeg': '/9hzdGlsbA=='}]
    assert [sample['t'] for sample in clip['samples']] == [i / 10 for i in range(20)]


def test_nothing_is_loaded_from_outside(recording):
    html = make_report(recording, PICTURES)
    page = Page(html)
    assert page.links
    assert all(link.startswith(('data:', '#')) for link in page.links)
    assert not re.search(r'https?:|url\(|@import|<script src', html.replace(
        'http://www.w3.org/2000/svg', ''
    ))
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)[1]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert 'unsafe-inline' not in policy.partition('style-src')[0]


def test_the_same_recording_gives_the_same_bytes(recording):
    assert make_report(recording, PICTURES) == make_report(recording, PICTURES)


def test_where_no_clock_ran_there_are_no_latencies(recording):
    clip = recording.clips[0]
    frames = tuple(
        replace(frame, hands_latency_ms=None, gestures_latency_ms=None) for frame in clip.frames
    )
    events = tuple(replace(event, latency_ms=None) for event in clip.events)
    clip = replace(clip, frames=frames, events=events, stages=())
    text = Page(make_report(replace(recording, clips=(clip,)))).text
    assert 'STARTED' in text
    assert 'atency' not in text
    assert ' ms' not in text


def test_bodies_have_metres_and_actions(people_clip, recording):
    html = make_report(replace(recording, clips=(people_clip,)))
    page = Page(html)
    for text in ('p1', 'walk', 'action score', 'tracks of people in 3D', 'To bodies'):
        assert text in page.text
    (clip,) = data_of(html)['clips']
    sample = clip['samples'][8]
    (body,) = sample['bodies']
    assert body['text'] == 'person, 4.0 m away, walk 90%'
    assert body['points'][0] == [400, 0, 4000]  # the pelvis in millimetres
    assert body['points'][11] is None  # a small toe
    # image 11 was left out, a moment later
    assert clip['samples'][11]['bodies'] == clip['samples'][9]['bodies']
    assert clip['range']['z'] == [3.0, 5.0]
    assert clip['stops'] == [0.9, 1.9]


def test_what_was_expected_is_shown_with_what_was_found(recording):
    clip = recording.clips[0]
    good = Check('line 1', 'gesture stop', 'stop at 0.5 s', clip.frames[5].stamp_ns, True)
    bad = Check('line 2', 'body count 1', 'none <at> all', None, False)
    judgement = Judgement(clip.name, 'a.yaml', (good, bad), ('- 3.0 s walk',))
    html = make_report(recording, judgements=[judgement])
    text = Page(html).text
    for part in ('Not as expected: 1 check failed, in a_clip.', 'Expected by a.yaml: 1 of 2 met',
                 'body count 1', 'none <at> all', '- 3.0 s walk'):
        assert part in text
    assert text.index('body count 1') < text.index('gesture stop')  # what failed comes first
    html = make_report(recording, judgements=[replace(judgement, checks=(good,))])
    assert 'As expected: 1 check passed.' in Page(html).text


def test_damage_and_problems_are_told(recording):
    clip = replace(recording.clips[0], damage='cut off at byte 7', problems=('no depth',))
    text = Page(make_report(replace(recording, clips=(clip,)))).text
    assert 'The source is damaged: cut off at byte 7' in text
    assert 'no depth' in text


def test_a_bag_that_loops_gives_a_report(people_clip, tmp_path):
    twice = tuple(
        replace(frame, index=frame.index + again * len(people_clip.frames))
        for again in range(2) for frame in people_clip.frames
    )
    clip = replace(people_clip, frames=twice, action_events=people_clip.action_events * 2)
    recording = Recording((clip,), ())
    html = make_report(recording, render(recording))
    Page(html)
    (data,) = data_of(html)['clips']
    assert data['duration'] == 2.0
    for entries in (data['samples'], data['stills']):
        times = [entry['t'] for entry in entries]
        assert times == sorted(times)
        assert 0.9 in times
    assert not re.search(r'(left|width):-', html)
    write_timeline(recording, tmp_path / 'a.png')


def test_a_long_clip_gives_a_small_report_with_all_its_events(recording):
    clip = recording.clips[0]
    frames = tuple(
        replace(clip.frames[6], index=index, stamp_ns=clip.begin_ns + index * 33_000_000)
        for index in range(18_000)
    )
    event = clip.events[0].event
    odd = replace(clip.events[0], event=replace(event, stamp_ns=frames[7777].stamp_ns))
    clip = replace(clip, frames=frames, events=(odd,))
    html = make_report(replace(recording, clips=(clip,)))
    times = [sample['t'] for sample in data_of(html)['clips'][0]['samples']]
    assert 1200 < len(times) < 1700
    assert round(7777 * 0.033, 3) in times
    assert len(html) < 2_000_000


def test_names_are_escaped(recording):
    evil = '"><script>alert(1)</script>'
    clip = recording.clips[0]
    events = tuple(
        replace(r, event=replace(r.event, label=evil, hand_id=evil)) for r in clip.events
    )
    hand_frames = tuple(
        replace(frame, hands=tuple(replace(hand, track_id=evil) for hand in frame.hands or ()))
        for frame in clip.frames
    )
    clip = replace(clip, name=evil, shows=evil, source=evil, events=events, frames=hand_frames)
    pictures = Pictures((KeyPicture(b'', evil, evil),))
    html = make_report(Recording((clip,), (evil,), {evil: evil}), pictures, title=evil)
    assert Page(html).tags.count('script') == 2
    assert evil not in html


@pytest.mark.parametrize('labels', [(), ('stop',)])
def test_a_recording_without_events_is_a_report(silent_clip, labels):
    page = Page(make_report(Recording((silent_clip,), labels)))
    assert 'No hand and nobody was found in this clip.' in page.text
    assert '0 of 20 answered' in page.text


def test_an_empty_recording_is_a_report():
    assert '0' in Page(make_report(Recording((), ()))).text
