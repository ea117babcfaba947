//! Small images of every kind that there is, made here byte by byte or by the `image` crate.

use std::io::Cursor;

use image::codecs::gif::GifEncoder;
use image::{DynamicImage, Frame, ImageFormat, RgbImage, RgbaImage};

fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn rgb(width: u32, height: u32) -> DynamicImage {
    let image = RgbImage::from_fn(width, height, |x, y| {
        let [x, _, _, _] = (x * 37).to_le_bytes();
        let [y, _, _, _] = (y * 59).to_le_bytes();
        image::Rgb([x, y, x ^ y])
    });
    image.into()
}

pub(crate) fn png(width: u32, height: u32) -> Vec<u8> {
    encoded(&rgb(width, height), ImageFormat::Png)
}

pub(crate) fn png_of_16_bits(width: u32, height: u32) -> Vec<u8> {
    encoded(&rgb(width, height).into_rgba16().into(), ImageFormat::Png)
}

pub(crate) fn jpeg(width: u32, height: u32) -> Vec<u8> {
    encoded(&rgb(width, height), ImageFormat::Jpeg)
}

pub(crate) fn webp(width: u32, height: u32) -> Vec<u8> {
    let image = rgb(width, height).into_rgba8();
    encoded(&image.into(), ImageFormat::WebP)
}

pub(crate) fn gif(width: u32, height: u32, images: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = GifEncoder::new(&mut bytes);
    for n in 0..images {
        let [shade, ..] = (n * 20).to_le_bytes();
        let image = RgbaImage::from_pixel(width, height, image::Rgba([shade, 9, 9, 255]));
        encoder.encode_frame(Frame::new(image)).unwrap();
    }
    drop(encoder);
    bytes
}

/// A chunk of a PNG.
pub(crate) fn png_chunk(kind: [u8; 4], content: &[u8]) -> Vec<u8> {
    let mut checksum = crc32fast::Hasher::new();
    checksum.update(&kind);
    checksum.update(content);
    let length = u32::try_from(content.len()).unwrap();
    let mut chunk = length.to_be_bytes().to_vec();
    chunk.extend_from_slice(&kind);
    chunk.extend_from_slice(content);
    chunk.extend_from_slice(&checksum.finalize().to_be_bytes());
    chunk
}

/// A PNG with more chunks behind its header.
pub(crate) fn png_with(mut png: Vec<u8>, chunks: &[Vec<u8>]) -> Vec<u8> {
    // The signature, and the header with its length, type and checksum.
    png.splice(33..33, chunks.concat());
    png
}

/// An animated PNG; all its images are the same.
pub(crate) fn apng(width: u32, height: u32, images: u32) -> Vec<u8> {
    let still = png(width, height);
    let data = still.windows(4).position(|bytes| bytes == b"IDAT").unwrap();
    let length = u32::from_be_bytes(still[data - 4..data].try_into().unwrap());
    let pixels = &still[data + 4..][..length as usize];
    let mut sequence = 0_u32;
    let mut next = || {
        sequence += 1;
        (sequence - 1).to_be_bytes()
    };
    let control = |next: [u8; 4]| {
        let mut content = next.to_vec();
        content.extend_from_slice(&width.to_be_bytes());
        content.extend_from_slice(&height.to_be_bytes());
        // At the corner, for a tenth of a second, replacing what is there.
        content.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 10, 0, 0]);
        png_chunk(*b"fcTL", &content)
    };
    let count = [images.to_be_bytes(), 0_u32.to_be_bytes()].concat();
    let mut chunks = vec![png_chunk(*b"acTL", &count), control(next())];
    let mut rest = Vec::new();
    for _ in 1..images {
        rest.extend(control(next()));
        rest.extend(png_chunk(*b"fdAT", &[&next(), pixels].concat()));
    }
    let mut apng = png_with(still, &std::mem::take(&mut chunks));
    let end = apng.len() - 12;
    apng.splice(end..end, rest);
    apng
}

/// Exif metadata with an orientation and something before it.
pub(crate) fn exif(orientation: u16) -> Vec<u8> {
    let mut bytes = b"MM\0*\0\0\0\x08\0\x02".to_vec();
    // ImageDescription, in place: "cat".
    bytes.extend_from_slice(&[0x01, 0x0e, 0, 2, 0, 0, 0, 4, b'c', b'a', b't', 0]);
    bytes.extend_from_slice(&[0x01, 0x12, 0, 3, 0, 0, 0, 1]);
    bytes.extend_from_slice(&orientation.to_be_bytes());
    bytes.extend_from_slice(&[0, 0, 0, 0, 0, 0]);
    bytes
}

pub(crate) fn png_turned(width: u32, height: u32, orientation: u16) -> Vec<u8> {
    png_with(
        png(width, height),
        &[png_chunk(*b"eXIf", &exif(orientation))],
    )
}

pub(crate) fn jpeg_turned(width: u32, height: u32, orientation: u16) -> Vec<u8> {
    let content = [b"Exif\0\0", exif(orientation).as_slice()].concat();
    let mut jpeg = jpeg(width, height);
    jpeg.splice(2..2, jpeg_segment(0xe1, &content));
    jpeg
}

pub(crate) fn jpeg_segment(marker: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len() + 2).unwrap().to_be_bytes();
    [&[0xff, marker], &length[..], content].concat()
}

/// A JPEG of 8 × 8 pixels in four inks, all the same.
pub(crate) fn cmyk_jpeg() -> Vec<u8> {
    let mut bytes = vec![0xff, 0xd8];
    bytes.extend(jpeg_segment(0xee, b"Adobe\0\x64\0\0\0\0\0"));
    bytes.extend(jpeg_segment(0xdb, &[&[0][..], &[1; 64]].concat()));
    let inks: Vec<u8> = (1..=4).flat_map(|ink| [ink, 0x11, 0]).collect();
    bytes.extend(jpeg_segment(
        0xc0,
        &[&[8, 0, 8, 0, 8, 4][..], &inks].concat(),
    ));
    // One code of one bit in each table: the value 0.
    for table in [0x00, 0x10] {
        let lengths = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        bytes.extend(jpeg_segment(0xc4, &[&[table][..], &lengths, &[0]].concat()));
    }
    let scan: Vec<u8> = (1..=4).flat_map(|ink| [ink, 0]).collect();
    bytes.extend(jpeg_segment(0xda, &[&[4][..], &scan, &[0, 63, 0]].concat()));
    // Four blocks of two bits.
    bytes.extend_from_slice(&[0x00, 0xff, 0xd9]);
    bytes
}

fn riff_chunk(kind: [u8; 4], content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_le_bytes();
    let mut chunk = [&kind[..], &length, content].concat();
    chunk.resize(chunk.len().next_multiple_of(2), 0);
    chunk
}

/// A WebP of many chunks: Exif metadata if there is an orientation, and an animation if there
/// is more than one image.
pub(crate) fn extended_webp(
    width: u32,
    height: u32,
    images: u32,
    orientation: Option<u16>,
) -> Vec<u8> {
    let pixels = webp(width, height).split_off(12);
    let [w0, w1, w2, _] = (width - 1).to_le_bytes();
    let [h0, h1, h2, _] = (height - 1).to_le_bytes();
    let has_exif = u8::from(orientation.is_some());
    let flags = has_exif << 3 | u8::from(images > 1) << 1 | 1 << 4;
    let header = [flags, 0, 0, 0, w0, w1, w2, h0, h1, h2];
    let mut chunks = riff_chunk(*b"VP8X", &header);
    if images > 1 {
        chunks.extend(riff_chunk(*b"ANIM", &[0, 0, 0, 0, 0, 0]));
        let place = [0, 0, 0, 0, 0, 0, w0, w1, w2, h0, h1, h2, 100, 0, 0, 0];
        for _ in 0..images {
            chunks.extend(riff_chunk(*b"ANMF", &[&place[..], &pixels].concat()));
        }
    } else {
        chunks.extend(pixels);
    }
    if let Some(orientation) = orientation {
        chunks.extend(riff_chunk(*b"EXIF", &exif(orientation)));
    }
    let length = u32::try_from(chunks.len() + 4).unwrap().to_le_bytes();
    [b"RIFF", &length[..], b"WEBP", &chunks].concat()
}

/// One of each kind, with the number of images in it.
pub(crate) fn one_of_each() -> Vec<(&'static str, Vec<u8>, u32)> {
    let dots = jpeg_segment(0xfe, b"a comment");
    let mut commented = jpeg(9, 5);
    commented.splice(2..2, dots);
    vec![
        ("PNG", png(9, 5), 1),
        ("PNG of 16 bits", png_of_16_bits(9, 5), 1),
        ("animated PNG", apng(9, 5, 3), 3),
        ("turned PNG", png_turned(9, 5, 6), 1),
        ("JPEG", commented, 1),
        ("turned JPEG", jpeg_turned(9, 5, 8), 1),
        ("CMYK JPEG", cmyk_jpeg(), 1),
        ("WebP", webp(9, 5), 1),
        ("turned WebP", extended_webp(9, 5, 1, Some(5)), 1),
        ("animated WebP", extended_webp(9, 5, 4, None), 4),
        ("GIF", gif(9, 5, 1), 1),
        ("animated GIF", gif(9, 5, 3), 3),
    ]
}
