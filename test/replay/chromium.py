"""Headless Chromium, driven by its DevTools protocol over a pair of pipes."""

import itertools
import json
import os
import select
import shutil
import subprocess
import time

FLAGS = (
    '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync',
    '--disable-dev-shm-usage', '--remote-debugging-pipe',
)  # fmt: skip
LIMIT_S = 60.0


def find_chromium():
    """Return the path of the browser, of the environment's CHROMIUM first; None without any."""
    names = ('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable')
    found = (shutil.which(name) for name in (os.environ.get('CHROMIUM', ''), *names) if name)
    return next((path for path in found if path), None)


class Chromium:
    """One browser with a new profile in `folder`; commands are those of one page."""

    def __init__(self, path, folder):
        (to_read, self._write), (self._read, to_write) = os.pipe(), os.pipe()
        # the browser wants its pipes as file descriptors 3 and 4
        script = f'exec "$@" 3<&{to_read} 4>&{to_write}'
        command = ['bash', '-c', script, 'bash', path, *FLAGS, f'--user-data-dir={folder}']
        with (folder / 'log').open('wb') as log:
            self._process = subprocess.Popen(
                command, pass_fds=(to_read, to_write), stdin=subprocess.DEVNULL,
                stdout=log, stderr=log,
            )
        os.close(to_read)
        os.close(to_write)
        self._numbers = itertools.count(1)
        self._buffer = b''
        self.events = []
        self._session = None

    def open(self, url):
        """Open a new page, with its errors and requests in `events` from the beginning."""
        target = self('Target.createTarget', url='about:blank')['targetId']
        self._session = None
        attached = self('Target.attachToTarget', targetId=target, flatten=True)
        self._session = attached['sessionId']
        self.events.clear()
        for domain in ('Page', 'Runtime', 'Network', 'Log'):
            self(f'{domain}.enable')
        self('Page.navigate', url=url)
        self.wait(lambda: self.evaluate('document.readyState') == 'complete')

    def __call__(self, method, **params):
        """Return the result of a command."""
        number = next(self._numbers)
        message = {'id': number, 'method': method, 'params': params}
        if self._session:
            message['sessionId'] = self._session
        os.write(self._write, json.dumps(message).encode() + b'\0')
        deadline_s = time.monotonic() + LIMIT_S
        while True:
            answer = self._receive(deadline_s)
            if answer.get('id') == number:
                assert 'error' not in answer, f'{method}: {answer["error"]}'
                return answer['result']
            self.events.append(answer)

    def evaluate(self, expression):
        """Return the value of a JavaScript expression in the page."""
        answer = self('Runtime.evaluate', expression=expression, returnByValue=True)
        assert 'exceptionDetails' not in answer, answer['exceptionDetails']
        return answer['result'].get('value')

    def wait(self, condition, what='the page'):
        """Wait until a condition holds."""
        deadline_s = time.monotonic() + LIMIT_S
        while not condition():
            assert time.monotonic() < deadline_s, f'waited in vain for {what}'

    def press(self, key, *, text=''):
        """Press a key, named as in KeyboardEvent.key."""
        codes = {'Tab': 9, 'Enter': 13, ' ': 32, 'ArrowLeft': 37, 'ArrowRight': 39, 'Home': 36}
        common = {'key': key, 'code': key, 'windowsVirtualKeyCode': codes.get(key, ord(key[0]))}
        self('Input.dispatchKeyEvent', type='keyDown', text=text, **common)
        self('Input.dispatchKeyEvent', type='keyUp', **common)

    def mouse(self, kind, x, y):
        """Send mousePressed, mouseMoved or mouseReleased."""
        self(
            'Input.dispatchMouseEvent', type=kind, x=x, y=y, button='left', buttons=1,
            clickCount=1,
        )

    def close(self):
        self._process.kill()
        self._process.wait()
        os.close(self._write)
        os.close(self._read)

    def _receive(self, deadline_s):
        while b'\0' not in self._buffer:
            left_s = max(deadline_s - time.monotonic(), 0)
            ready, _, _ = select.select([self._read], [], [], left_s)
            assert ready, 'the browser does not answer'
            data = os.read(self._read, 1 << 20)
            assert data, 'the browser has ended'
            self._buffer += data
        message, _, self._buffer = self._buffer.partition(b'\0')
        return json.loads(message)
