"""report.html: well formed, self-contained, and safe against any name."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from ros2_hand_action.perception.records import Phase
from ros2_hand_action.replay.recording import Recording
from ros2_hand_action.replay.report import KeyPicture, make_report

VOID = {'meta', 'img', 'br', 'link'}
PICTURE = KeyPicture(b'\xff\xd8jpeg', 'stop begins', 'left hand h1')


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
        if 'style' not in self.open:
            self.text += data + ' '


def test_the_page_shows_pictures_hands_events_and_latency(recording):
    page = Page(make_report(recording, [PICTURE], b'webm'))
    assert page.tags.count('img') == 1
    assert page.tags.count('video') == 1
    for text in ('a clip', 'stop begins', 'h1 left', 'STARTED', 'ENDED', '1.30 s', 'median 21 ms',
                 'hand_detector', '9.0 ms', '16 of 20 answered', 'pypi somewhere 1.0', 'MIT'):
        assert text in page.text


def test_nothing_is_loaded_from_outside(recording):
    html = make_report(recording, [PICTURE], b'webm')
    page = Page(html)
    assert page.links
    assert all(link.startswith('data:') for link in page.links)
    assert not re.search(r'https?:|url\(|@import|<script', html)
    assert "default-src 'none'" in html


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
    picture = KeyPicture(b'', evil, evil)
    html = make_report(Recording((clip,), (evil,), {evil: evil}), [picture])
    assert 'script' not in Page(html).tags
    assert evil not in html


@pytest.mark.parametrize('labels', [(), ('stop',)])
def test_a_recording_without_events_is_a_report(silent_clip, labels):
    page = Page(make_report(Recording((silent_clip,), labels), []))
    assert 'No hand was found in this clip.' in page.text
    assert 'No image was answered.' in page.text
    assert 'video' not in page.tags


def test_an_empty_recording_is_a_report():
    assert '0' in Page(make_report(Recording((), ()), [])).text


def test_held_events_are_not_listed(recording):
    clip = recording.clips[0]
    held = sum(recorded.event.phase is Phase.HELD for recorded in clip.events)
    page = Page(make_report(recording, []))
    assert held == 1
    assert 'HELD' not in page.text
