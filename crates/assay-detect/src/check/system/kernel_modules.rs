//! Modules of rare file systems and protocols can be loaded.

use crate::check::Check;
use crate::check::system::{Find, Places, System, SystemCheck};
use assay_model::Severity;

pub(super) const CHECK: SystemCheck = SystemCheck {
    check: Check {
        id: "system-kernel-modules",
        aliases: &[],
        title: "modules of rare file systems and protocols can be loaded",
        severity: Severity::Negligible,
        why: "Old code that few look after is a way into the kernel.",
        fix: "write `install NAME /bin/false` to `/etc/modprobe.d/hardening.conf`",
        reference: "CIS Debian Linux 12 Benchmark 1.1.1, 3.2",
    },
    bad: &[&[("etc/modprobe.d/x.conf", "options x y=1\n")]],
    good: &[
        &[(
            "etc/modprobe.d/x.conf",
            "install cramfs /bin/false\ninstall freevxfs /bin/false\ninstall hfs /bin/false\ninstall hfsplus /bin/false\ninstall jffs2 /bin/false\ninstall udf /bin/false\ninstall dccp /bin/false\ninstall rds /bin/false\ninstall sctp /bin/false\ninstall tipc /bin/false\n",
        )],
        &[("etc/fstab", "x\n")],
    ],
    find: Find::By(find),
};

fn find(system: &System, places: &mut Places) {
    if !system.has("modprobe") {
        return;
    }
    let off = |name: &str| {
        system.all("modprobe").any(|line| {
        let words: Vec<&str> = line.value.split_whitespace().collect();
        (line.key == "install" && matches!(words.as_slice(), [module, program, ..] if *module == name && (program.ends_with("/false") || program.ends_with("/true")))) || (line.key == "blacklist" && words.first() == Some(&name))
    })
    };
    let open: Vec<&str> =
        ["cramfs", "freevxfs", "hfs", "hfsplus", "jffs2", "udf", "dccp", "rds", "sctp", "tipc"]
            .into_iter()
            .filter(|name| !off(name))
            .collect();
    if !open.is_empty() {
        places.setting(None, "etc/modprobe.d", &open.join(", "));
    }
}
