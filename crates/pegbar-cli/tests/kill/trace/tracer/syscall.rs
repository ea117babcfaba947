//! Which system calls change files, and how to read their arguments.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use nix::libc;
use nix::sys::ptrace;
use nix::unistd::Pid;

use super::super::Call;

/// A system call as a thread is about to enter it.
struct Entry {
    thread: Pid,
    number: i64,
    args: [u64; 6],
}

/// Number, name and the kinds of the arguments, one letter each:
///
/// - `f`: the descriptor that is changed; the call counts unless it is one that changes no file.
/// - `o`, `h`, `i`: open flags, `struct open_how *`, ioctl request; the call counts if they say so.
/// - `d`, `p`, `n`, `_`: another descriptor, a path or name, a number, not shown.
type Row = (i64, &'static str, &'static str);

macro_rules! table {
    ($($number:ident: $kinds:literal,)*) => {
        &[$((libc::$number, stringify!($number), $kinds),)*]
    };
}

const MUTATING: &[Row] = table! {
    SYS_openat: "dpo", SYS_openat2: "dph", SYS_write: "f_n", SYS_pwrite64: "f_nn",
    SYS_writev: "f_n", SYS_pwritev: "f_nn", SYS_pwritev2: "f_nn", SYS_io_submit: "_n",
    SYS_io_uring_enter: "dn", SYS_renameat: "dpdp",
    SYS_renameat2: "dpdpn", SYS_unlinkat: "dpn", SYS_mkdirat: "dp",
    SYS_linkat: "dpdpn", SYS_symlinkat: "pdp", SYS_mknodat: "dp", SYS_truncate: "pn",
    SYS_ftruncate: "fn", SYS_fallocate: "fnnn", SYS_fsync: "f", SYS_fdatasync: "f",
    SYS_sync_file_range: "fnnn", SYS_syncfs: "f", SYS_sync: "", SYS_msync: "_nn",
    SYS_fchmod: "fn", SYS_fchmodat: "dpn", SYS_fchown: "fnn", SYS_fchownat: "dpnn",
    SYS_utimensat: "dp", SYS_setxattr: "pp", SYS_lsetxattr: "pp", SYS_fsetxattr: "fp",
    SYS_removexattr: "pp", SYS_lremovexattr: "pp", SYS_fremovexattr: "fp", SYS_ioctl: "fi",
    SYS_copy_file_range: "d_f_n", SYS_sendfile: "fd_n", SYS_splice: "d_f_n", SYS_sendto: "f_n",
    SYS_sendmsg: "f", SYS_sendmmsg: "f_n",
};

/// Calls that aarch64 has only in their `at` form, or the libc crate not at all.
#[cfg(target_arch = "x86_64")]
const MUTATING_OLD: &[Row] = table! {
    SYS_open: "po", SYS_creat: "p", SYS_rename: "pp", SYS_unlink: "p",
    SYS_mkdir: "p", SYS_rmdir: "p", SYS_link: "pp", SYS_symlink: "pp", SYS_mknod: "p",
    SYS_chmod: "pn", SYS_fchmodat2: "dpnn", SYS_chown: "pnn", SYS_lchown: "pnn", SYS_utime: "p",
    SYS_utimes: "p", SYS_futimesat: "dp",
};
#[cfg(not(target_arch = "x86_64"))]
const MUTATING_OLD: &[Row] = &[];

/// The call that `thread`, stopped at the entry of a system call, is about to make, if it mutates.
pub(super) fn mutating_call(thread: Pid) -> nix::Result<Option<Call>> {
    let entry = Entry::read(thread)?;
    let mut rows = MUTATING.iter().chain(MUTATING_OLD);
    let row = rows.find(|(number, ..)| *number == entry.number);
    Ok(row.and_then(|(_, name, kinds)| {
        let pairs = || kinds.chars().zip(entry.args);
        pairs().all(|(kind, arg)| entry.counts(kind, arg)).then(|| {
            let args: Vec<String> = pairs().map(|(kind, arg)| entry.show(kind, arg)).collect();
            let name = name.trim_start_matches("SYS_");
            Call {
                name,
                args: args.join(", "),
            }
        })
    }))
}

impl Entry {
    #[cfg(target_arch = "x86_64")]
    fn read(thread: Pid) -> nix::Result<Self> {
        let r = ptrace::getregs(thread)?;
        let args = [r.rdi, r.rsi, r.rdx, r.r10, r.r8, r.r9];
        Ok(Self {
            thread,
            number: r.orig_rax.cast_signed(),
            args,
        })
    }

    #[cfg(target_arch = "aarch64")]
    fn read(thread: Pid) -> nix::Result<Self> {
        let r = ptrace::getregs(thread)?.regs;
        let args = [r[0], r[1], r[2], r[3], r[4], r[5]];
        Ok(Self {
            thread,
            number: r[8].cast_signed(),
            args,
        })
    }

    /// Whether an argument of this kind lets the call count.
    fn counts(&self, kind: char, arg: u64) -> bool {
        match kind {
            'f' => !matches!(low(arg), 1 | 2) && !self.is_channel(arg),
            'o' => opens_for_change(arg),
            'h' => self.open_how_flags(arg).is_none_or(opens_for_change),
            'i' => [libc::FICLONE, libc::FICLONERANGE].contains(&low(arg)),
            _ => true,
        }
    }

    fn show(&self, kind: char, arg: u64) -> String {
        match kind {
            'd' if low(arg) == low(i64::from(libc::AT_FDCWD).cast_unsigned()) => "cwd".to_owned(),
            'd' | 'f' => match self.target(arg) {
                Some(target) => format!("{}<{}>", low(arg), target.display()),
                None => low(arg).to_string(),
            },
            'p' => self
                .text(arg)
                .map_or("NULL".to_owned(), |text| format!("{text:?}")),
            'o' => format!("{:#o}", low(arg)),
            'n' => arg.to_string(),
            _ => "_".to_owned(),
        }
    }

    /// What the descriptor refers to.
    fn target(&self, fd: u64) -> Option<PathBuf> {
        fs::read_link(format!("/proc/{}/fd/{}", self.thread, low(fd))).ok()
    }

    /// Whether the descriptor is a pipe, event counter or the like, which outlives no process.
    fn is_channel(&self, fd: u64) -> bool {
        self.target(fd).is_some_and(|target| {
            let target = target.to_string_lossy();
            target.starts_with("pipe:") || target.starts_with("anon_inode:")
        })
    }

    /// The first member of `struct open_how` (openat2(2)).
    fn open_how_flags(&self, address: u64) -> Option<u64> {
        let mut flags = [0; 8];
        self.memory()?.read_exact_at(&mut flags, address).ok()?;
        Some(u64::from_ne_bytes(flags))
    }

    /// The NUL-terminated string at the address.
    fn text(&self, address: u64) -> Option<String> {
        let mut bytes = [0; libc::PATH_MAX as usize];
        let read = self.memory()?.read_at(&mut bytes, address).ok()?;
        let text = bytes[..read].split(|byte| *byte == 0).next()?;
        Some(String::from_utf8_lossy(text).into_owned())
    }

    fn memory(&self) -> Option<File> {
        File::open(format!("/proc/{}/mem", self.thread)).ok()
    }
}

/// The half of a register that an `int` argument is in.
fn low(arg: u64) -> u64 {
    arg & 0xffff_ffff
}

fn opens_for_change(flags: u64) -> bool {
    let change = libc::O_CREAT | libc::O_TRUNC | libc::O_WRONLY | libc::O_RDWR;
    flags & u64::from(change.unsigned_abs()) != 0
}
