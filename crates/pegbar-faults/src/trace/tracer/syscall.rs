//! Which system calls change files, and how to read their arguments.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use nix::libc;
use nix::sys::ptrace;
use nix::unistd::Pid;

use super::super::Call;

/// A system call as a thread is about to enter it.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) thread: Pid,
    pub(super) number: i64,
    pub(super) args: [u64; 6],
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

/// The call as it is shown, if it mutates.
pub(super) fn mutating_call(entry: &Entry) -> Option<Call> {
    let mut rows = MUTATING.iter().chain(MUTATING_OLD);
    let row = rows.find(|(number, ..)| *number == entry.number);
    row.and_then(|(_, name, kinds)| {
        let pairs = || kinds.chars().zip(entry.args);
        pairs().all(|(kind, arg)| entry.counts(kind, arg)).then(|| {
            let args: Vec<String> = pairs().map(|(kind, arg)| entry.show(kind, arg)).collect();
            let name = name.trim_start_matches("SYS_");
            Call {
                name,
                args: args.join(", "),
            }
        })
    })
}

/// Any call, as it is shown.
pub(super) fn any_call(entry: &Entry) -> Call {
    mutating_call(entry).unwrap_or_else(|| Call {
        name: "syscall",
        args: entry.number.to_string(),
    })
}

impl Entry {
    #[cfg(target_arch = "x86_64")]
    pub(super) fn read(thread: Pid) -> nix::Result<Self> {
        let r = ptrace::getregs(thread)?;
        let args = [r.rdi, r.rsi, r.rdx, r.r10, r.r8, r.r9];
        Ok(Self {
            thread,
            number: r.orig_rax.cast_signed(),
            args,
        })
    }

    #[cfg(target_arch = "aarch64")]
    pub(super) fn read(thread: Pid) -> nix::Result<Self> {
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
    pub(super) fn target(&self, fd: u64) -> Option<PathBuf> {
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
    pub(super) fn text(&self, address: u64) -> Option<String> {
        let mut bytes = [0; libc::PATH_MAX as usize];
        let read = self.memory()?.read_at(&mut bytes, address).ok()?;
        let text = bytes[..read].split(|byte| *byte == 0).next()?;
        Some(String::from_utf8_lossy(text).into_owned())
    }

    /// The path that two arguments name: a descriptor of a folder, and what is below it.
    pub(super) fn path_at(&self, folder: u64, address: u64) -> Option<PathBuf> {
        let path = PathBuf::from(self.text(address)?);
        if path.is_absolute() {
            return Some(path);
        }
        let is_here = low(folder) == low(i64::from(libc::AT_FDCWD).cast_unsigned());
        let above = if is_here {
            fs::read_link(format!("/proc/{}/cwd", self.thread)).ok()?
        } else {
            self.target(folder)?
        };
        Some(above.join(path))
    }

    /// Whether the program asks for this path.
    pub(super) fn asks_for(&self, path: &Path) -> bool {
        self.number == libc::SYS_statx
            && self.path_at(self.args[0], self.args[1]).as_deref() == Some(path)
    }

    fn memory(&self) -> Option<File> {
        File::open(format!("/proc/{}/mem", self.thread)).ok()
    }
}

/// Where a call that writes has the number of bytes to write.
#[cfg(target_arch = "x86_64")]
pub(super) fn length_argument(number: i64) -> Option<usize> {
    match number {
        libc::SYS_write | libc::SYS_pwrite64 => Some(2),
        libc::SYS_copy_file_range => Some(4),
        libc::SYS_sendfile => Some(3),
        _ => None,
    }
}

/// Lets a call, at whose entry the thread stands, write only so many bytes.
#[cfg(target_arch = "x86_64")]
pub(super) fn set_length(thread: Pid, argument: usize, length: u64) -> nix::Result<()> {
    let mut registers = ptrace::getregs(thread)?;
    match argument {
        2 => registers.rdx = length,
        3 => registers.r10 = length,
        _ => registers.r8 = length,
    }
    ptrace::setregs(thread, registers)
}

/// Lets a call, at whose entry the thread stands, be none at all.
#[cfg(target_arch = "x86_64")]
pub(super) fn skip(thread: Pid) -> nix::Result<()> {
    let mut registers = ptrace::getregs(thread)?;
    registers.orig_rax = u64::MAX;
    ptrace::setregs(thread, registers)
}

/// Sets what a call, at whose end the thread stands, returns.
#[cfg(target_arch = "x86_64")]
pub(super) fn set_result(thread: Pid, result: i64) -> nix::Result<()> {
    let mut registers = ptrace::getregs(thread)?;
    registers.rax = result.cast_unsigned();
    ptrace::setregs(thread, registers)
}

/// What a call, at whose end the thread stands, returns.
#[cfg(target_arch = "x86_64")]
pub(super) fn result(thread: Pid) -> nix::Result<i64> {
    Ok(ptrace::getregs(thread)?.rax.cast_signed())
}

#[cfg(not(target_arch = "x86_64"))]
mod unsupported {
    use nix::errno::Errno;
    use nix::unistd::Pid;

    pub(in super::super) fn length_argument(_: i64) -> Option<usize> {
        None
    }

    pub(in super::super) fn set_length(_: Pid, _: usize, _: u64) -> nix::Result<()> {
        Err(Errno::ENOSYS)
    }

    pub(in super::super) fn skip(_: Pid) -> nix::Result<()> {
        Err(Errno::ENOSYS)
    }

    pub(in super::super) fn set_result(_: Pid, _: i64) -> nix::Result<()> {
        Err(Errno::ENOSYS)
    }

    pub(in super::super) fn result(_: Pid) -> nix::Result<i64> {
        Err(Errno::ENOSYS)
    }
}
#[cfg(not(target_arch = "x86_64"))]
pub(super) use unsupported::{length_argument, result, set_length, set_result, skip};

/// The half of a register that an `int` argument is in.
pub(super) fn low(arg: u64) -> u64 {
    arg & 0xffff_ffff
}

fn opens_for_change(flags: u64) -> bool {
    let change = libc::O_CREAT | libc::O_TRUNC | libc::O_WRONLY | libc::O_RDWR;
    flags & u64::from(change.unsigned_abs()) != 0
}
