//! A bundle taken apart, and put together again by someone who lies well.

use std::fmt::Write as _;

use pegbar::Sha256;

pub(crate) type Files = Vec<(String, Vec<u8>)>;

/// Takes an archive apart.
pub(crate) fn read(bytes: &[u8]) -> Files {
    let mut files = Vec::new();
    let mut at = 0;
    while bytes[at] != 0 {
        let header = &bytes[at..at + 512];
        let end = header.iter().position(|byte| *byte == 0).unwrap();
        let name = String::from_utf8(header[..end].to_vec()).unwrap();
        let size = std::str::from_utf8(&header[124..135]).unwrap();
        let size = usize::from_str_radix(size, 8).unwrap();
        files.push((name, bytes[at + 512..at + 512 + size].to_vec()));
        at += 512 + size.div_ceil(512) * 512;
    }
    files
}

/// The header of an entry; `kind` is its type flag and `link` where a link leads.
pub(crate) fn header(name: &str, size: usize, kind: u8, link: &str) -> Vec<u8> {
    let mut block = vec![0_u8; 512];
    let mut put = |at: usize, text: &[u8]| block[at..at + text.len()].copy_from_slice(text);
    put(0, name.as_bytes());
    put(100, b"0000644\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, format!("{size:011o}\0").as_bytes());
    put(136, b"00000000000\0");
    put(148, b"        ");
    put(156, &[kind]);
    put(157, link.as_bytes());
    put(257, b"ustar\0");
    put(263, b"00");
    put(329, b"0000000\0");
    put(337, b"0000000\0");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

pub(crate) fn entry(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut all = header(name, bytes.len(), b'0', "");
    all.extend_from_slice(bytes);
    all.resize(512 + bytes.len().div_ceil(512) * 512, 0);
    all
}

/// Puts an archive together.
pub(crate) fn write(files: &Files) -> Vec<u8> {
    let mut all = Vec::new();
    for (name, bytes) in files {
        all.extend(entry(name, bytes));
    }
    all.resize(all.len() + 1024, 0);
    all
}

/// Makes the checksums those of the files, as only their author could.
pub(crate) fn seal(files: &mut Files) {
    let (mut text, mut blobs, mut count) = (String::new(), String::new(), 0);
    for (name, bytes) in files.iter() {
        if let Some(hash) = name.strip_prefix("blobs/") {
            writeln!(blobs, "{hash} {}", bytes.len()).unwrap();
            count += 1;
        } else if name != "checksums.txt" {
            writeln!(text, "{}  {name}", Sha256::of(bytes)).unwrap();
        }
    }
    writeln!(text, "{}  {count} blobs", Sha256::of(blobs.as_bytes())).unwrap();
    let last = files.last_mut().unwrap();
    assert_eq!(last.0, "checksums.txt");
    last.1 = text.into_bytes();
}

/// Changes the text of one file.
pub(crate) fn edit(files: &mut Files, beginning: &str, from: &str, to: &str) {
    let file = files
        .iter_mut()
        .find(|(name, _)| name.starts_with(beginning))
        .unwrap();
    let text = String::from_utf8(file.1.clone()).unwrap();
    assert!(text.contains(from), "{from} is not in {text}");
    file.1 = text.replacen(from, to, 1).into_bytes();
}
