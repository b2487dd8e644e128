import cv2
import numpy as np
import pytest

from ros2_hand_action.errors import ImageError
from ros2_hand_action.perception.encodings import (
    ENCODINGS,
    copy_as_bgr,
    decode_compressed,
    decode_raw,
    encode_jpeg,
)
from ros2_hand_action.perception.frame import Frame, PixelOrder

WIDTH, HEIGHT = 8, 6
# left half blue, right half orange: no two channels alike
BLUE, ORANGE = (200, 40, 20), (10, 120, 240)


@pytest.fixture
def picture() -> np.ndarray:
    image = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    image[:, : WIDTH // 2], image[:, WIDTH // 2 :] = BLUE, ORANGE
    return image


def read(pixels: np.ndarray, encoding: str, **changes) -> np.ndarray:
    """Decode packed pixels and return them as BGR or grey."""
    arguments = {
        'encoding': encoding,
        'width_px': WIDTH,
        'height_px': HEIGHT,
        'step': pixels.strides[0],
        **changes,
    }
    decoded, order = decode_raw(pixels.tobytes(), **arguments)
    Frame(decoded, order)  # raises unless it is an image
    return decoded[..., ::-1] if order is PixelOrder.RGB else decoded


def with_alpha(image: np.ndarray) -> np.ndarray:
    return np.dstack([image, np.full((HEIGHT, WIDTH), 255, np.uint8)])


@pytest.mark.parametrize(
    ('encoding', 'pack'),
    [
        ('bgr8', lambda image: image),
        ('8UC3', lambda image: image),
        ('rgb8', lambda image: image[..., ::-1]),
        ('bgra8', with_alpha),
        ('8UC4', with_alpha),
        ('rgba8', lambda image: with_alpha(image[..., ::-1])),
        ('bgr16', lambda image: image.astype('<u2') << 8),
        ('rgb16', lambda image: image[..., ::-1].astype('<u2') << 8),
    ],
)
def test_colours_survive_exactly(picture, encoding, pack):
    packed = np.ascontiguousarray(pack(picture))
    np.testing.assert_array_equal(read(packed, encoding), picture)


def pack_422(image: np.ndarray, *, luma_first: bool) -> np.ndarray:
    """Interleave luma with the chroma of every second column, in video range."""
    yuv = to_i420(image)
    luma, u, v = yuv[0], yuv[1].repeat(2, axis=0), yuv[2].repeat(2, axis=0)
    packed = np.empty((HEIGHT, WIDTH, 2), np.uint8)
    packed[..., 1 - luma_first] = luma
    packed[:, 0::2, int(luma_first)] = u
    packed[:, 1::2, int(luma_first)] = v
    return packed


def to_i420(image: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    planes = cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420)
    luma = planes[:HEIGHT]
    u, v = planes[HEIGHT:].reshape(2, HEIGHT // 2, WIDTH // 2)
    return luma, u, v


def pack_nv(image: np.ndarray, *, u_first: bool) -> np.ndarray:
    luma, u, v = to_i420(image)
    chroma = np.stack([u, v] if u_first else [v, u], axis=-1).reshape(HEIGHT // 2, WIDTH)
    return np.vstack([luma, chroma])


@pytest.mark.parametrize(
    ('encoding', 'pack'),
    [
        ('yuv422', lambda image: pack_422(image, luma_first=False)),
        ('uyvy', lambda image: pack_422(image, luma_first=False)),
        ('yuv422_yuy2', lambda image: pack_422(image, luma_first=True)),
        ('yuyv', lambda image: pack_422(image, luma_first=True)),
        ('nv12', lambda image: pack_nv(image, u_first=True)),
        ('nv21', lambda image: pack_nv(image, u_first=False)),
    ],
)
def test_yuv_gives_nearly_the_same_colours(picture, encoding, pack):
    decoded = read(np.ascontiguousarray(pack(picture)), encoding)
    assert np.abs(decoded.astype(int) - picture).max() <= 6


@pytest.mark.parametrize('depth', [8, 16])
@pytest.mark.parametrize('pattern', ['rggb', 'bggr', 'gbrg', 'grbg'])
def test_bayer_patterns_give_the_colour_of_the_scene(pattern, depth):
    levels = dict(zip('bgr', ORANGE, strict=True))
    cell = np.array([levels[name] for name in pattern], np.uint8).reshape(2, 2)
    mosaic = np.tile(cell, (HEIGHT // 2, WIDTH // 2))
    if depth == 16:
        mosaic = mosaic.astype('<u2') << 8
    decoded = read(mosaic, f'bayer_{pattern}{depth}')
    np.testing.assert_allclose(decoded[2:4, 2:6], np.broadcast_to(ORANGE, (2, 4, 3)), atol=1)


@pytest.mark.parametrize(('bits', 'brightest'), [(10, 1023), (12, 4095), (16, 65535)])
def test_16_bit_is_scaled_by_the_bits_in_use(bits, brightest):
    image = np.linspace(0, brightest, WIDTH * HEIGHT).astype('<u2').reshape(HEIGHT, WIDTH)
    decoded = read(image, 'mono16')
    assert (decoded.min(), decoded.max()) == (0, 255)
    np.testing.assert_array_equal(decoded, image >> (bits - 8))


def test_big_endian_values_are_swapped():
    image = np.arange(WIDTH * HEIGHT, dtype=np.uint16).reshape(HEIGHT, WIDTH) * 1000
    expected = read(image.astype('<u2'), 'mono16')
    swapped = read(image.astype('>u2'), 'mono16', is_bigendian=True)
    np.testing.assert_array_equal(swapped, expected)


@pytest.mark.parametrize('encoding', ['bgr8', 'rgb8', 'mono8'])
def test_usual_encodings_are_views_with_padded_rows(picture, encoding):
    source = picture[..., 0].copy() if encoding == 'mono8' else picture
    rows = source.reshape(HEIGHT, -1)
    padded = np.pad(rows, ((0, 0), (0, 5)), constant_values=77)
    decoded, _ = decode_raw(
        padded.data.cast('B'),
        encoding=encoding, width_px=WIDTH, height_px=HEIGHT, step=padded.strides[0],
    )
    np.testing.assert_array_equal(decoded, source)
    assert np.shares_memory(decoded, padded)


@pytest.mark.parametrize(
    ('changes', 'cause'),
    [
        ({'encoding': '32FC1'}, "'32FC1' cannot be read: publish one of rgb8"),
        ({'encoding': ''}, "'' cannot be read"),
        ({'width_px': 0}, 'no pixels: width 0'),
        ({'height_px': 0}, 'no pixels: width 8, height 0'),
        ({'step': 23}, 'step 23 is less than the 24 bytes of 8 bgr8 pixels'),
        ({'step': 0}, 'step 0 is less'),
        ({'step': 25}, 'holds 144 bytes, but 6 rows of step 25 are 150'),
        ({'height_px': 5}, 'holds 144 bytes, but 5 rows of step 24 are 120'),
        ({'height_px': 2**32 - 1}, 'holds 144 bytes'),
        ({'width_px': 2**32 - 1}, 'less than the'),
        ({'encoding': 'nv12', 'height_px': 5}, 'odd height 5'),
    ],
)
def test_sizes_that_do_not_fit_are_named(picture, changes, cause):
    with pytest.raises(ImageError, match=cause):
        read(picture, **{'encoding': 'bgr8', **changes})


def test_odd_width_of_nv12_is_refused():
    with pytest.raises(ImageError, match='nv12 image of 7 x 6 cannot be converted'):
        read(np.zeros((9, 7), np.uint8), 'nv12', width_px=7)


def test_every_encoding_decodes_zeros_or_says_why_not():
    for encoding in ENCODINGS:
        data = np.zeros((HEIGHT * 3 // 2, WIDTH * 8), np.uint8)
        rows = HEIGHT * 3 // 2 if encoding.startswith('nv') else HEIGHT
        decoded, order = decode_raw(
            data[:rows].tobytes(),
            encoding=encoding, width_px=WIDTH, height_px=HEIGHT, step=WIDTH * 8,
        )
        assert Frame(decoded, order).width_px == WIDTH


def test_jpeg_and_png_are_decoded(picture):
    large = picture.repeat(16, axis=0).repeat(16, axis=1)
    pixels, order = decode_compressed(encode_jpeg(large, quality=95).tobytes())
    assert order is PixelOrder.BGR
    assert np.abs(pixels.astype(int) - large).mean() < 3
    png = cv2.imencode('.png', large)[1].tobytes()
    np.testing.assert_array_equal(decode_compressed(png, image_format='png')[0], large)


def test_format_tells_of_swapped_colours(picture):
    png = cv2.imencode('.png', picture)[1].tobytes()
    assert decode_compressed(png, image_format='rgb8; png compressed rgb8')[1] is PixelOrder.RGB
    assert decode_compressed(png, image_format='rgb8; jpeg compressed bgr8')[1] is PixelOrder.BGR


def test_zeros_after_the_end_are_allowed(picture):
    jpeg = encode_jpeg(picture, quality=90).tobytes()
    assert decode_compressed(jpeg + b'\0' * 5000)[0].shape == picture.shape


@pytest.mark.parametrize(
    ('spoil', 'cause'),
    [
        (lambda data: data[: len(data) // 2], 'JPEG image of .* is cut off'),
        (lambda data: data[:2], 'cut off'),
        (lambda _: b'', "begins with b''"),
        (lambda _: b'hello', 'neither JPEG nor PNG'),
        (lambda data: data[:2] + data[-2:], 'is damaged'),
    ],
)
def test_damaged_jpeg_is_refused(picture, spoil, cause):
    jpeg = encode_jpeg(picture.repeat(20, axis=0), quality=90).tobytes()
    with pytest.raises(ImageError, match=cause):
        decode_compressed(spoil(jpeg), image_format='jpeg')


def test_cut_png_is_refused(picture):
    png = cv2.imencode('.png', picture)[1].tobytes()
    with pytest.raises(ImageError, match=r'PNG image of .* is cut off'):
        decode_compressed(png[:-20])


@pytest.mark.parametrize('order', list(PixelOrder))
def test_copy_as_bgr_is_writable_and_ordered(picture, order):
    source = {
        PixelOrder.BGR: picture,
        PixelOrder.RGB: picture[..., ::-1],
        PixelOrder.MONO: picture[..., 0],
    }[order]
    expected = np.repeat(source[..., None], 3, axis=2) if order is PixelOrder.MONO else picture
    source = np.ascontiguousarray(source)
    source.flags.writeable = False
    copied = copy_as_bgr(source, order)
    np.testing.assert_array_equal(copied, expected)
    copied[0, 0] = 1
    assert copied.flags.c_contiguous
