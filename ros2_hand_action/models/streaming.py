"""A URL into a file: with a progress bar, resumable, complete or not there at all."""

import http.client
import os
import ssl
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO

from tqdm import tqdm

from ros2_hand_action.errors import ModelError
from ros2_hand_action.models.store import file_sha256

_TIMEOUT_S = 30
_ATTEMPTS = 4
_PAUSE_S = 1.0
_BLOCK_BYTES = 1 << 18
_CERTIFICATE_VARIABLES = ('PIP_CERT', 'REQUESTS_CA_BUNDLE', 'SSL_CERT_FILE')


def stream_to_file(url: str, target: Path, *, sha256: str, pause_s: float = _PAUSE_S) -> None:
    """Download `url` to `target`; afterwards the whole file is there, or none.

    What has come lies in `target` + '.part' until it is complete; the next call goes on from
    there, in this process or another.

    Parameters
    ----------
    url : str
        http or https.
    target : Path
        Its folder exists.
    sha256 : str
        Expected of the whole file; '' accepts any.
    pause_s : float
        Seconds before the second attempt, growing with each.

    Raises
    ------
    ModelError
        If the file does not come after several attempts, or is not the expected one.
    """
    part = target.with_name(target.name + '.part')
    for attempt in range(_ATTEMPTS):
        try:
            _receive(url, part)
            break
        except (OSError, http.client.HTTPException) as error:
            if isinstance(error, urllib.error.HTTPError) and error.code < 500:
                part.unlink(missing_ok=True)
                raise ModelError(f'{url!r} answers {error}') from error
            if attempt == _ATTEMPTS - 1:
                raise ModelError(
                    f'{url!r} breaks off: {error}; run the command again to go on from '
                    f'{part.stat().st_size if part.exists() else 0} bytes'
                ) from error
            time.sleep(pause_s * (attempt + 1))
    found = file_sha256(part) if sha256 else ''
    if found != sha256:
        part.unlink()
        raise ModelError(
            f'{target.name!r} has sha256 {found}, expected {sha256}: it was damaged on the way '
            'or is another file; run the command again'
        )
    os.replace(part, target)


def _receive(url: str, part: Path) -> None:
    """Add to `part` what is missing of `url`; raises OSError or HTTPException if cut off."""
    have = part.stat().st_size if part.exists() else 0
    headers = {'Range': f'bytes={have}-'} if have else {}
    request = urllib.request.Request(url, headers=headers)
    try:
        response = urllib.request.urlopen(request, timeout=_TIMEOUT_S, context=_tls(url))
    except urllib.error.HTTPError as error:
        if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise
        if error.headers.get('Content-Range') == f'bytes */{have}':
            return  # all of it had come before
        part.unlink()
        raise ConnectionError('the server has another file than before') from error
    with response:
        resumed = response.status == http.HTTPStatus.PARTIAL_CONTENT
        have = have if resumed else 0
        length = response.headers.get('Content-Length')
        total = have + int(length) if length else None
        with part.open('ab' if resumed else 'wb') as file:
            _copy(response, file, have=have, total=total, name=part.stem)
    if total is not None and part.stat().st_size != total:
        raise ConnectionError(f'{part.stat().st_size} of {total} bytes came')


def _copy(
    response: IO[bytes], file: IO[bytes], *, have: int, total: int | None, name: str
) -> None:
    with tqdm(
        total=total, initial=have, unit='B', unit_scale=True, desc=name[:40], leave=False
    ) as bar:
        while block := response.read(_BLOCK_BYTES):
            file.write(block)
            bar.update(len(block))


def _tls(url: str) -> ssl.SSLContext | None:
    """Return a context that trusts the certificates that pip is told to trust."""
    if not url.startswith('https:'):
        return None
    given = [os.environ[name] for name in _CERTIFICATE_VARIABLES if os.environ.get(name)]
    return ssl.create_default_context(cafile=given[0] if given else None)
