//! Contact sheets: many pictures on one, in a labelled grid, to be looked at.

mod file;
mod layout;
mod text;

use image::{
    Rgba, RgbaImage,
    imageops::{self, FilterType},
};

pub(crate) use file::{SheetFile, check, refused_by_system, write};
use layout::{Layout, Slot};
use text::{LINE_HEIGHT, Typewriter};

const BACKGROUND: Rgba<u8> = Rgba([28, 30, 36, 255]);
const FRAME: Rgba<u8> = Rgba([62, 66, 78, 255]);
const CHECKERS: [Rgba<u8>; 2] = [Rgba([72, 75, 85, 255]), Rgba([58, 61, 70, 255])];
const TITLE: Rgba<u8> = Rgba([240, 241, 245, 255]);
const LABEL: Rgba<u8> = Rgba([214, 217, 225, 255]);
const SUBLABEL: Rgba<u8> = Rgba([146, 152, 168, 255]);
const WARNING: Rgba<u8> = Rgba([238, 132, 112, 255]);
const MARK: Rgba<u8> = Rgba([122, 196, 112, 255]);

/// One picture of a contact sheet.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    /// The decoded picture.
    pub(crate) image: RgbaImage,
    /// The line below it; any Unicode text, shortened where it is too long.
    pub(crate) label: String,
    /// Quieter lines below it.
    pub(crate) sublabels: Vec<String>,
    /// Whether it stands out from the others.
    pub(crate) is_marked: bool,
}

/// How a contact sheet is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SheetOptions {
    /// Pictures in a row; `None` for as many as give a pleasant shape.
    pub(crate) columns: Option<u32>,
    /// Side of the square a picture is fitted into, in pixels, 16 to 4096. Made smaller when the
    /// sheet would be too large otherwise.
    pub(crate) cell_size: u32,
    /// The whole factor by which all pictures grow, where it fits; `None` for each as much as
    /// fits.
    pub(crate) scale: Option<u32>,
    /// How many lines there are below a picture.
    pub(crate) lines: u32,
}

impl Default for SheetOptions {
    fn default() -> Self {
        Self {
            columns: None,
            cell_size: 192,
            scale: None,
            lines: 2,
        }
    }
}

/// A contact sheet in the making: laid out by the number of pictures, then filled one by one.
///
/// Only the sheet itself is held, so that any number of pictures can be loaded one after the
/// other. A sheet has at most 8192 pixels on a side and 32 million in all: with many pictures the
/// cells become smaller, below 56 pixels they lose their labels, and what still finds no place
/// at 16 pixels is left out and counted in the title.
pub(crate) struct ContactSheet {
    picture: RgbaImage,
    layout: Layout,
    typewriter: Typewriter,
    scale: Option<u32>,
    filled: usize,
}

impl ContactSheet {
    /// Lays out a sheet for `count` pictures.
    pub(crate) fn new(title: &str, count: usize, options: &SheetOptions) -> Self {
        let layout = Layout::of(count, options);
        let mut sheet = Self {
            picture: RgbaImage::from_pixel(layout.width, layout.height, BACKGROUND),
            layout,
            typewriter: Typewriter::new(),
            scale: options.scale,
            filled: 0,
        };
        sheet.write_title(title, count);
        sheet
    }

    fn write_title(&mut self, title: &str, count: usize) {
        let left_out = count.saturating_sub(self.layout.capacity());
        let title = match left_out {
            0 => title.to_owned(),
            more => format!("{title} ({more} more do not fit)"),
        };
        let (left, top) = (layout::MARGIN, layout::MARGIN);
        let room = self.layout.width - 2 * layout::MARGIN;
        let scale = if self.typewriter.width(&title) * 2 <= room {
            2
        } else {
            1
        };
        let typewriter = &mut self.typewriter;
        typewriter.write(&mut self.picture, (left, top), &title, room, TITLE, scale);
        if count == 0 {
            let at = (left, top + layout::TITLE_HEIGHT);
            typewriter.write(
                &mut self.picture,
                at,
                "There is nothing to show.",
                room,
                SUBLABEL,
                1,
            );
        }
    }

    /// Adds the next picture; one that has no place any more is ignored.
    pub(crate) fn add(&mut self, cell: &Cell) {
        let Some(slot) = self.next_slot() else { return };
        if cell.is_marked {
            for distance in 1..=3 {
                self.outline(slot, distance, MARK);
            }
        } else {
            self.outline(slot, 1, FRAME);
        }
        self.place(&cell.image, slot);
        self.write_labels(slot, &cell.label, &cell.sublabels, SUBLABEL);
    }

    /// Leaves the next place empty.
    pub(crate) fn skip(&mut self) {
        self.next_slot();
    }

    /// Adds a crossed-out cell for a picture that cannot be shown.
    pub(crate) fn add_unreadable(&mut self, label: &str, why: &str) {
        let Some(slot) = self.next_slot() else { return };
        self.outline(slot, 1, FRAME);
        for i in 0..slot.size {
            for at in [i, slot.size - 1 - i] {
                self.picture
                    .put_pixel(slot.left + i, slot.top + at, WARNING);
            }
        }
        self.write_labels(slot, label, &[why.to_owned()], WARNING);
    }

    /// The finished sheet.
    pub(crate) fn finish(self) -> RgbaImage {
        self.picture
    }

    fn next_slot(&mut self) -> Option<Slot> {
        let slot = self.layout.slot(self.filled)?;
        self.filled += 1;
        Some(slot)
    }

    /// Draws a line around a slot, so many pixels outside of it.
    fn outline(&mut self, slot: Slot, distance: u32, colour: Rgba<u8>) {
        let (left, top) = (slot.left - distance, slot.top - distance);
        let far = slot.size + 2 * distance - 1;
        for i in 0..=far {
            for (x, y) in [(i, 0), (i, far), (0, i), (far, i)] {
                self.picture.put_pixel(left + x, top + y, colour);
            }
        }
    }

    fn write_labels(&mut self, slot: Slot, label: &str, sublabels: &[String], quiet: Rgba<u8>) {
        if !self.layout.labelled {
            return;
        }
        let mut top = slot.top + slot.size + layout::LABEL_GAP;
        let sublabels = sublabels.iter().map(|text| (text.as_str(), quiet));
        let lines = std::iter::once((label, LABEL)).chain(sublabels);
        for (text, colour) in lines.take(self.layout.lines as usize) {
            self.typewriter.write(
                &mut self.picture,
                (slot.left, top),
                text,
                slot.size,
                colour,
                1,
            );
            top += LINE_HEIGHT;
        }
    }

    /// Fits a picture into the middle of a slot, on a checkerboard.
    fn place(&mut self, image: &RgbaImage, slot: Slot) {
        let Some(image) = fitted(image, slot.size, self.scale) else {
            return;
        };
        let (left, top) = (
            slot.left + (slot.size - image.width()) / 2,
            slot.top + (slot.size - image.height()) / 2,
        );
        for (x, y, pixel) in image.enumerate_pixels() {
            let board = CHECKERS[usize::from((x / 8 + y / 8) % 2 == 1)];
            let see_through = 255 - u32::from(pixel[3]);
            let mut blended = board;
            for (to, from) in blended.0.iter_mut().zip(pixel.0).take(3) {
                let sum = u32::from(from) + (u32::from(*to) * see_through + 127) / 255;
                *to = u8::try_from(sum).unwrap_or(u8::MAX);
            }
            self.picture.put_pixel(left + x, top + y, blended);
        }
    }
}

/// Makes a contact sheet of pictures that are all at hand.
#[cfg(test)]
pub(crate) fn contact_sheet(title: &str, cells: &[Cell], options: &SheetOptions) -> RgbaImage {
    let mut sheet = ContactSheet::new(title, cells.len(), options);
    for cell in cells {
        sheet.add(cell);
    }
    sheet.finish()
}

/// A picture scaled to fit a square, its colours multiplied by alpha; `None` if it has no pixels.
///
/// What is small enough grows by whole factors, or by the one given, with sharp pixels; what is
/// too large shrinks smoothly.
fn fitted(image: &RgbaImage, size: u32, scale: Option<u32>) -> Option<RgbaImage> {
    let (width, height) = image.dimensions();
    let longer = width.max(height);
    if width == 0 || height == 0 {
        return None;
    }
    if longer > size {
        let part = |side: u32| {
            let scaled = u64::from(side) * u64::from(size) / u64::from(longer);
            u32::try_from(scaled).unwrap_or(size).max(1)
        };
        let (width, height) = (part(width), part(height));
        return Some(imageops::resize(
            &premultiplied(image),
            width,
            height,
            FilterType::Triangle,
        ));
    }
    let most = size / longer;
    let factor = scale.map_or(most, |scale| scale.clamp(1, most));
    let (width, height) = (width * factor, height * factor);
    Some(imageops::resize(
        &premultiplied(image),
        width,
        height,
        FilterType::Nearest,
    ))
}

/// The picture with its colours multiplied by alpha, so that see-through pixels lend no colour to
/// their neighbours when it is scaled.
fn premultiplied(image: &RgbaImage) -> RgbaImage {
    let mut image = image.clone();
    for Rgba([r, g, b, alpha]) in image.pixels_mut() {
        for channel in [r, g, b] {
            let product = (u32::from(*channel) * u32::from(*alpha) + 127) / 255;
            *channel = u8::try_from(product).unwrap_or(u8::MAX);
        }
    }
    image
}

#[cfg(test)]
mod tests;
