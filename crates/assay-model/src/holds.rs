//! What a distribution's binary package holds of the sources it was built from.
//!
//! Distributions write advisories about sources (Debian, Ubuntu, Alpine), or list everything that came out of one build (RPM
//! errata). Both fan out to packages that hold nothing of what is vulnerable: `linux-libc-dev` and `kernel-headers` have the
//! kernel's interface and not the kernel, `perf` is another program from the same sources, `emacs-filesystem` has only folders.
//! The names are those of Debian, Ubuntu, the Red Hat family, SUSE, Amazon, Photon and Alpine.

/// What a binary package holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// Code that an advisory about its sources may be about: nearly every package.
    Program,
    /// Headers, build files, texts or sources of the kernel: nothing that runs.
    KernelInterface,
    /// A program built from the kernel's sources that is not the kernel.
    KernelTool,
    /// Folders that several packages share.
    Folders,
}

/// Returns what the package of this name holds.
pub fn holds(name: &str) -> Holds {
    // Boost's library is the one such name that is not about folders.
    if name.ends_with("-filesystem") && !name.contains("boost") {
        return Holds::Folders;
    }
    if INTERFACES.contains(&name) {
        return Holds::KernelInterface;
    }
    if TOOLS.contains(&name) {
        return Holds::KernelTool;
    }
    let Some(part) = name.strip_prefix("linux-").or_else(|| name.strip_prefix("kernel-")) else {
        return Holds::Program;
    };
    // `linux-headers-6.1.0-18-amd64`, `linux-aws-headers-5.15.0-1051`, `kernel-debug-devel`, `kernel-rt-debug-devel`.
    let has = |words: &[&str]| part.split('-').any(|word| words.contains(&word));
    if has(&["tools", "perf", "cpupower", "selftests"]) && !has(&["devel"]) {
        return Holds::KernelTool;
    }
    if has(&[
        "headers",
        "devel",
        "doc",
        "docs",
        "kbuild",
        "source",
        "buildinfo",
        "config",
        "compiler",
        "syms",
    ]) || has(&["abi", "macros", "support", "bootwrapper"])
        || part.ends_with("-dev")
    {
        return Holds::KernelInterface;
    }
    Holds::Program
}

const INTERFACES: &[&str] = &["linux-libc-dev", "linux-glibc-devel"];

const TOOLS: &[&str] = &[
    "perf",
    "python-perf",
    "python3-perf",
    "libperf",
    "bpftool",
    "rtla",
    "rv",
    "usbip",
    "hyperv-daemons",
    "libcpupower1",
    "libcpupower-dev",
];

/// Returns whether a source package, or a binary one, of this name is a kernel: `linux`, `linux-aws`, `kernel-uek`, `kernel-core`.
pub fn is_kernel(name: &str) -> bool {
    let kernel = ["linux", "kernel"].iter().any(|base| {
        name.strip_prefix(base).is_some_and(|rest| {
            rest.is_empty() || rest.starts_with(|char: char| char == '-' || char.is_ascii_digit())
        })
    });
    kernel && holds(name) == Holds::Program
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_are_told_from_what_is_built_beside_them() {
        for (names, want) in [
            (
                "linux-image-6.1.0-18-amd64 linux-modules-5.15.0-91-generic kernel kernel-core kernel-rt-modules-extra \
                 kernel-uek kernel-default linux-lts kernel6.12 openssl libboost-filesystem1.74.0 boost-filesystem filesystem",
                Holds::Program,
            ),
            (
                "linux-libc-dev linux-headers-6.1.0-18-amd64 linux-aws-headers-5.15.0-1051 linux-kbuild-6.1 linux-doc-6.1 \
                 linux-source-6.1 linux-compiler-gcc-12-x86 kernel-headers kernel-cross-headers kernel-devel \
                 kernel-rt-debug-devel kernel-doc kernel-abi-stablelists kernel-tools-libs-devel linux-lts-dev kernel-syms",
                Holds::KernelInterface,
            ),
            (
                "perf python3-perf bpftool kernel-tools kernel-tools-libs linux-perf linux-tools-5.15.0-91-generic \
                 linux-cpupower kernel-selftests-internal",
                Holds::KernelTool,
            ),
            ("emacs-filesystem httpd-filesystem", Holds::Folders),
        ] {
            for name in names.split_whitespace() {
                assert_eq!(holds(name), want, "{name}");
            }
        }
        for (name, want) in [
            ("linux", true),
            ("linux-aws", true),
            ("kernel-core", true),
            ("kernel6.12", true),
            ("kernel-headers", false),
            ("perf", false),
            ("linuxptp", false),
            ("kernelshark", false),
        ] {
            assert_eq!(is_kernel(name), want, "{name}");
        }
    }
}
