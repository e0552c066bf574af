//! Every version order and grammar of ranges, held against its reference implementation: generated and real texts, no disagreement.
//!
//! One process per scheme reads `a<TAB>b` lines and answers `-1`, `0`, `1` or `E` (not a version). Real versions come from the
//! OSV feeds beside the checkout; without them only generated texts are compared.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use assay_model::Scheme;
use assay_version::{compare, is_valid, satisfies};
use real_tests::{feeds, tool, workspace};

const GENERATED: usize = 8_000;
const REAL: usize = 6_000;
const RANGES: usize = 8_000;

/// SplitMix64: the same texts on every machine and in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit).unwrap()).unwrap()
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

/// How versions of a scheme look: numbers with separators, then up to three tails.
struct Shape {
    prefixes: &'static [&'static str],
    numbers: &'static [&'static str],
    separators: &'static [&'static str],
    counts: &'static [usize],
    tails: &'static [&'static str],
}

impl Shape {
    fn version(&self, random: &mut Random) -> String {
        let mut out = random.pick(self.prefixes).to_owned();
        for place in 0..self.counts[random.below(self.counts.len())] {
            if place > 0 {
                out.push_str(random.pick(self.separators));
            }
            out.push_str(random.pick(self.numbers));
        }
        for _ in 0..random.below(4) {
            out.push_str(random.pick(self.tails));
        }
        out
    }

    /// Pairs that mostly share a beginning, where the orders differ.
    fn pairs(&self, seed: u64) -> Vec<(String, String)> {
        let mut random = Random(seed);
        (0..GENERATED)
            .map(|_| {
                let a = self.version(&mut random);
                let b = match random.below(4) {
                    0 => self.version(&mut random),
                    1 => format!("{a}{}", random.pick(self.tails)),
                    2 => {
                        let cut =
                            a.char_indices().map(|(at, _)| at).nth(random.below(a.len().max(1))).unwrap_or(0);
                        format!("{}{}", &a[..cut], random.pick(self.tails))
                    }
                    _ => {
                        let cut = a.rfind(self.separators[0]).unwrap_or(0);
                        format!("{}{}{}", &a[..cut], self.separators[0], random.pick(self.numbers))
                    }
                };
                (a, b)
            })
            .collect()
    }
}

const NUMBERS: &[&str] =
    &["0", "1", "2", "3", "9", "10", "11", "99", "00", "01", "007", "2021", "20210101", "4294967296"];
/// Without the leading zeros that strict SemVer refuses, but for a few.
const PLAIN: &[&str] = &["0", "0", "1", "2", "3", "9", "10", "11", "99", "2021", "20210101", "01"];

/// Real versions of a feed: every bound and every listed version.
fn real(ecosystems: &[&str]) -> Vec<String> {
    let Some(feeds) = feeds() else { return Vec::new() };
    let files: Vec<_> = ecosystems.iter().map(|name| feeds.join("osv").join(name).join("all.zip")).collect();
    let Some(python) = tool("python3") else { return Vec::new() };
    const SCRIPT: &str = "
import json, sys, zipfile
seen = set()
for path in sys.argv[1:]:
    with zipfile.ZipFile(path) as z:
        for name in z.namelist():
            if not name.endswith('.json'): continue
            for affected in json.loads(z.read(name)).get('affected', []):
                seen.update(affected.get('versions', [])[:20])
                for r in affected.get('ranges', []):
                    if r.get('type') == 'GIT': continue
                    for event in r.get('events', []): seen.update(event.values())
for v in sorted(seen):
    if v != '0' and '\\t' not in v and '\\n' not in v: print(v)
";
    let mut command = Command::new(python);
    command.arg("-c").arg(SCRIPT).args(files);
    answers(&mut command, "")
}

/// Neighbours in the sorted list, and pairs drawn at random.
fn real_pairs(versions: &[String], seed: u64) -> Vec<(String, String)> {
    if versions.len() < 2 {
        return Vec::new();
    }
    let mut random = Random(seed);
    (0..REAL)
        .map(|index| {
            let a = random.below(versions.len());
            let b = if index % 2 == 0 {
                random.below(versions.len())
            } else {
                (a + 1 + random.below(3)) % versions.len()
            };
            (versions[a].clone(), versions[b].clone())
        })
        .collect()
}

/// A file that is not on the search path, under `target/tools`; missing, it counts like a missing tool.
fn tool_file(path: &str) -> Option<PathBuf> {
    let file = workspace().join("target/tools").join(path);
    if file.exists() { Some(file) } else { tool(path) }
}

/// Runs the oracle on the lines and returns its lines.
fn answers(command: &mut Command, input: &str) -> Vec<String> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    // A pipe the oracle closed early shows in its status and in the number of its lines.
    let _ = writer.join().unwrap();
    assert!(output.status.success(), "{command:?} failed");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// Compares all pairs with the oracle's answers.
#[track_caller]
fn agree(
    scheme: Scheme,
    mut command: Command,
    pairs: &[(String, String)],
    ours: impl Fn(&str, &str) -> &'static str,
) {
    let mut input = String::new();
    for (a, b) in pairs {
        writeln!(input, "{a}\t{b}").unwrap();
    }
    let theirs = answers(&mut command, &input);
    assert_eq!(theirs.len(), pairs.len(), "one answer per pair");
    let mut disagreements = BTreeSet::new();
    let mut counts = [0_usize; 4];
    for ((a, b), theirs) in pairs.iter().zip(&theirs) {
        let ours = ours(a, b);
        counts[["-1", "0", "1", "E"].iter().position(|answer| answer == theirs).expect("a known answer")] +=
            1;
        if ours != theirs {
            disagreements.insert(format!("`{a}` | `{b}`: ours {ours}, theirs {theirs}"));
        }
    }
    println!("{scheme:?}: {} pairs; less, equal (no), greater (yes), refused: {counts:?}", pairs.len());
    let shown: Vec<_> = disagreements.iter().take(40).cloned().collect();
    assert!(
        disagreements.is_empty(),
        "{scheme:?}: {} disagreements\n{}",
        disagreements.len(),
        shown.join("\n")
    );
    assert!(pairs.len() >= 5_000, "too few pairs to mean anything");
    assert!(counts[0].max(counts[1]) > 500 && counts[2] > 500, "one-sided pairs: {counts:?}");
}

fn order_word(scheme: Scheme) -> impl Fn(&str, &str) -> &'static str {
    move |a, b| match compare(scheme, a, b) {
        Ok(std::cmp::Ordering::Less) => "-1",
        Ok(std::cmp::Ordering::Equal) => "0",
        Ok(std::cmp::Ordering::Greater) => "1",
        Err(_) => "E",
    }
}

fn range_word(scheme: Scheme) -> impl Fn(&str, &str) -> &'static str {
    move |version, range| match satisfies(scheme, version, range) {
        Ok(true) => "1",
        Ok(false) => "0",
        Err(_) => "E",
    }
}

/// Versions against ranges made of signs and other versions.
fn range_pairs(shape: &Shape, ranges: &Shape, forms: &[&str], seed: u64) -> Vec<(String, String)> {
    let mut random = Random(seed);
    (0..RANGES)
        .map(|_| {
            let mut range = random.pick(forms).to_owned();
            while range.contains('V') {
                range = range.replacen('V', &ranges.version(&mut random), 1);
            }
            (shape.version(&mut random), range)
        })
        .collect()
}

fn script(program: &Path, flag: &str, text: &str) -> Command {
    let mut command = Command::new(program);
    command.arg(flag).arg(text);
    command
}

#[test]
fn deb_agrees_with_dpkg() {
    let Some(perl) = tool("perl") else { return };
    let Some(dpkg) = tool("dpkg") else { return };
    for text in [
        "1.0",
        "1:1.0-1",
        "a",
        ".1",
        "~",
        "1_0",
        "1-",
        "-1",
        "1:",
        ":1",
        "a:1",
        "-1:1",
        "1 0",
        "2147483647:1",
        "2147483648:1",
        "1:1:1",
    ] {
        let status =
            Command::new(&dpkg).args(["--compare-versions", text, "eq", text]).stderr(Stdio::null()).status();
        assert_eq!(is_valid(Scheme::Deb, text), status.unwrap().success(), "dpkg on `{text}`");
    }
    let shape = Shape {
        prefixes: &["", "", "", "0:", "1:", "2:"],
        numbers: NUMBERS,
        separators: &[".", ".", "-", "+", "~", "a", "rc"],
        counts: &[1, 2, 3, 4],
        tails: &[
            "~",
            "~~",
            "~rc1",
            "a",
            "z",
            "+",
            "+b1",
            "-1",
            "-0",
            "-1ubuntu2",
            "~deb12u1",
            "+deb11u3",
            ".",
            "0",
            "A",
        ],
    };
    let mut pairs: Vec<_> =
        shape.pairs(1).into_iter().filter(|(a, b)| !a.is_empty() && !b.is_empty()).collect();
    pairs.extend(real_pairs(&real(&["Debian"]), 2));
    const SCRIPT: &str = r#"
use Dpkg::Version; $| = 0;
while (<STDIN>) { chomp; my ($a, $b) = split /\t/, $_, -1;
  my $r = Dpkg::Version->new($a) <=> Dpkg::Version->new($b);
  print "$r\n"; }
"#;
    // The Perl module orders without checking; what dpkg refuses is asked of dpkg itself, below.
    pairs.retain(|(a, b)| is_valid(Scheme::Deb, a) && is_valid(Scheme::Deb, b));
    agree(Scheme::Deb, script(&perl, "-e", SCRIPT), &pairs, order_word(Scheme::Deb));
}

#[test]
fn rpm_agrees_with_rpm() {
    let Some(rpm) = tool("rpm") else { return };
    let shape = Shape {
        prefixes: &["", "", "0:", "1:", "12:"],
        numbers: NUMBERS,
        separators: &[".", ".", "_", "~", "^", "a", "rc", ".."],
        counts: &[1, 2, 3, 4],
        tails: &["~", "^", "~rc1", "^git1", "a", "b2", ".el8", "_8", "fc", "+", ".0", "Z", "^^", "~^"],
    };
    // Either both have a release or none: otherwise rpm.vercmp orders what dependencies hold equal.
    let mut random = Random(3);
    let mut pairs: Vec<_> = shape
        .pairs(4)
        .into_iter()
        .filter(|(a, b)| !a.is_empty() && !b.is_empty())
        .map(|(a, b)| match random.below(2) {
            0 => (a, b),
            _ => (
                format!("{a}-{}.el8_{}", random.below(3), random.below(3)),
                format!("{b}-{}.el8", random.below(3)),
            ),
        })
        .collect();
    let reals: Vec<_> =
        real(&["AlmaLinux:8", "AlmaLinux:9"]).into_iter().filter(|text| text.contains('-')).collect();
    pairs.extend(real_pairs(&reals, 5));
    pairs.retain(|(a, b)| !a.ends_with(':') && !b.ends_with(':'));
    let file = workspace().join("target/tools/rpm-pairs.txt");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    let text: String = pairs.iter().map(|(a, b)| format!("{a}\t{b}\n")).collect();
    std::fs::write(&file, text).unwrap();
    let lua = format!(
        r#"%{{lua: for line in io.lines("{}") do local a, b = line:match("^(.-)\t(.*)$") print(rpm.vercmp(a, b) .. "\n") end}}"#,
        file.display()
    );
    let mut command = Command::new(rpm);
    command.arg("--eval").arg(lua);
    let lines: Vec<_> = answers(&mut command, "").into_iter().filter(|line| !line.is_empty()).collect();
    let mut echo = Command::new("printf");
    echo.arg("%s\n").args(&lines);
    agree(Scheme::Rpm, echo, &pairs, order_word(Scheme::Rpm));
}

const PEP440: Shape = Shape {
    prefixes: &["", "", "", "v", "1!"],
    numbers: NUMBERS,
    separators: &["."],
    counts: &[1, 2, 3, 4],
    tails: &[
        "a1",
        "b2",
        "rc1",
        "-ALPHA_1",
        ".dev0",
        "dev",
        ".post1",
        "-1",
        "_rev2",
        "r",
        "pre",
        "preview3",
        "c",
        "+local.1",
        "+abc",
        "+5",
        "+ubuntu-1",
        ".0",
        "-a",
        "x",
        ".",
        "post.",
        "a.",
    ],
};

const PYTHON_ORDER: &str = "
import sys
from packaging.version import Version, InvalidVersion
for line in sys.stdin:
    a, b = line.rstrip('\\n').split('\\t')
    try:
        a, b = Version(a), Version(b)
        print((a > b) - (a < b))
    except InvalidVersion:
        print('E')
";

/// Returns Python and the folder that holds `packaging`.
fn packaging() -> Option<(PathBuf, PathBuf)> {
    let python = tool("python3")?;
    Some((python, tool_file("python/packaging")?.parent()?.to_owned()))
}

fn script_of((python, modules): &(PathBuf, PathBuf), text: &str) -> Command {
    let mut command = script(python, "-c", text);
    command.env("PYTHONPATH", modules);
    command
}

#[test]
fn pep440_agrees_with_packaging() {
    let Some(python) = packaging() else { return };
    let mut pairs = PEP440.pairs(6);
    pairs.extend(real_pairs(&real(&["PyPI"]), 7));
    agree(Scheme::Pep440, script_of(&python, PYTHON_ORDER), &pairs, order_word(Scheme::Pep440));
}

#[test]
fn pep440_specifiers_agree_with_packaging() {
    let Some(python) = packaging() else { return };
    const SCRIPT: &str = "
import sys
from packaging.version import Version, InvalidVersion
from packaging.specifiers import SpecifierSet, InvalidSpecifier
for line in sys.stdin:
    v, r = line.rstrip('\\n').split('\\t')
    try:
        Version(v)
        print(int(SpecifierSet(r).contains(v, prereleases=True)))
    except (InvalidVersion, InvalidSpecifier):
        print('E')
";
    let small = Shape {
        prefixes: &["", "", "", "", "1!"],
        numbers: &["0", "1", "2", "3"],
        tails: &["a1", "rc1", ".dev1", ".post1", ".post2", ".0", "+l.1", "b2"],
        ..PEP440
    };
    let bound = Shape { tails: &["a1", "rc1", ".dev1", ".post1", ".0"], ..small };
    let forms = [
        "==V",
        "!=V",
        "<=V",
        ">=V",
        "<V",
        ">V",
        "~=V",
        "===V",
        "==V.*",
        "!=V.*",
        ">=V,<V",
        ">V, !=V",
        "V",
        "=V",
        "~=V,!=V.*",
        "",
        ">= V",
        "==V+l.1",
    ];
    let pairs = range_pairs(&small, &bound, &forms, 8);
    agree(Scheme::Pep440, script_of(&python, SCRIPT), &pairs, range_word(Scheme::Pep440));
}

const SEMVER: Shape = Shape {
    prefixes: &["", "", "", "", "v"],
    numbers: PLAIN,
    separators: &["."],
    counts: &[3, 3, 3, 3, 3, 2, 4],
    tails: &[
        "-alpha",
        "-alpha.1",
        "-alpha.beta",
        "-beta.2",
        "-beta.11",
        "-rc.1",
        "-0",
        "-1",
        "+build",
        "+1.2",
        ".1",
        "-a-b",
        "-01",
        "-x",
        "beta",
        ".0",
        "-R2",
        "-r100",
        "-",
    ],
};

fn node() -> Option<(PathBuf, PathBuf)> {
    Some((tool("node")?, tool_file("node/node_modules/semver")?))
}

fn node_script(body: &str) -> Option<Command> {
    let (node, module) = node()?;
    let text = format!(
        "const semver = require(process.argv[1]); const out = [];
         for (const line of require('fs').readFileSync(0, 'utf8').split('\\n').slice(0, -1)) {{
           const [a, b] = line.split('\\t'); let r; try {{ r = {body} }} catch {{ r = 'E' }} out.push(r) }}
         process.stdout.write(out.join('\\n') + '\\n')"
    );
    let mut command = script(&node, "-e", &text);
    command.arg(module);
    Some(command)
}

#[test]
fn npm_agrees_with_node_semver() {
    let Some(command) = node_script("semver.compare(a, b, {loose: true})") else { return };
    let mut pairs = SEMVER.pairs(9);
    pairs.extend(real_pairs(&real(&["npm"]), 10));
    agree(Scheme::Npm, command, &pairs, order_word(Scheme::Npm));
}

#[test]
fn npm_ranges_agree_with_node_semver() {
    let Some(command) = node_script(
        "semver.valid(a, {loose: true}) ? Number(new semver.Range(b).test(new semver.SemVer(a))) : 'E'",
    ) else {
        return;
    };
    let version = Shape {
        prefixes: &[""],
        numbers: &["0", "1", "2", "3"],
        counts: &[3],
        tails: &["-alpha", ".1", "-0", "-rc.2"],
        ..SEMVER
    };
    let bound = Shape {
        prefixes: &["", "", "", "v", "="],
        numbers: &["0", "0", "1", "2", "3", "x", "*", "X"],
        counts: &[1, 2, 3, 3, 3],
        tails: &["-alpha", "-0", "+build", "-rc.2"],
        ..SEMVER
    };
    let forms = [
        "V",
        "^V",
        "~V",
        "~>V",
        ">V",
        "<V",
        ">=V",
        "<=V",
        "=V",
        "V - V",
        ">=V <V",
        "^V || ~V",
        "> V",
        "<= V  > V",
        "^ V",
        "~ V",
        "V||V",
        ">=V <V || ^V",
        "",
        "*",
        "V V",
        "|| V",
        "V -V",
        ">=V,<V",
        "foo",
        "~>  V",
        "V - V || V",
    ];
    let mut pairs = range_pairs(&version, &bound, &forms, 11);
    // The reference is strict here about the version, ours is loose: keep to what both read.
    pairs.retain(|(version, _)| {
        let core = version.split('-').next().unwrap();
        core.split('.').count() == 3 && !version.contains("-0.")
    });
    assert!(pairs.len() >= 5_000);
    agree(Scheme::Npm, command, &pairs, range_word(Scheme::Npm));
}

const GEM: Shape = Shape {
    prefixes: &["", "", ""],
    numbers: NUMBERS,
    separators: &[".", ".", ".", "-"],
    counts: &[1, 2, 3, 4],
    tails: &[
        ".a", ".b1", ".rc1", ".pre", "-1", "-java", ".0", ".0.0", "a", "b2", ".beta.2", ".x86", "-", "..",
        ".Z",
    ],
};

#[test]
fn gem_agrees_with_rubygems() {
    let Some(ruby) = tool("ruby") else { return };
    const SCRIPT: &str = r#"
STDIN.each_line { |l| a, b = l.chomp.split("\t", -1)
  puts((Gem::Version.new(a) <=> Gem::Version.new(b)) ) rescue puts "E" }
"#;
    let mut pairs = GEM.pairs(12);
    pairs.extend(real_pairs(&real(&["RubyGems"]), 13));
    agree(Scheme::Gem, script(&ruby, "-e", SCRIPT), &pairs, order_word(Scheme::Gem));
}

#[test]
fn gem_requirements_agree_with_rubygems() {
    let Some(ruby) = tool("ruby") else { return };
    const SCRIPT: &str = r#"
STDIN.each_line { |l| v, r = l.chomp.split("\t", -1)
  begin
    v = Gem::Version.new(v)
    puts Gem::Requirement.new(*r.split(",", -1)).satisfied_by?(v) ? 1 : 0
  rescue ArgumentError
    puts "E"
  end }
"#;
    let small = Shape { numbers: &["0", "1", "2", "3"], tails: &[".a", ".rc1", ".0", "-1", ".b.2"], ..GEM };
    let forms = [
        "~> V",
        "= V",
        "!= V",
        "> V",
        "< V",
        ">= V",
        "<= V",
        "V",
        "~>V",
        ">= V, < V",
        "~> V, != V",
        "=> V",
        ">= V,",
        "~> foo",
    ];
    let pairs = range_pairs(&small, &small, &forms, 14);
    agree(Scheme::Gem, script(&ruby, "-e", SCRIPT), &pairs, range_word(Scheme::Gem));
}

const COMPOSER: Shape = Shape {
    prefixes: &["", "", "", "v", "dev-"],
    numbers: &["0", "1", "2", "3", "9", "10", "99", "01", "2021", "20210101", "123456"],
    separators: &["."],
    counts: &[1, 2, 3, 4, 5],
    tails: &[
        "-beta",
        "b2",
        "-RC1",
        "rc.3",
        "-dev",
        "alpha1",
        ".a",
        "-patch1",
        "pl2",
        "p",
        "-stable",
        "+build",
        ".x-dev",
        ".*",
        "-1",
        "@beta",
        "_b",
        "-",
        ".x",
        "-alpha.2.1",
        "-foo",
    ],
};

fn php_script(body: &str) -> Option<Command> {
    let php = tool("php")?;
    let text = format!(
        r#"require "Composer/Semver/autoload.php";
        $p = new Composer\Semver\VersionParser();
        while (($l = fgets(STDIN)) !== false) {{ [$a, $b] = explode("\t", rtrim($l, "\n"));
          try {{ $r = {body}; }} catch (\Throwable $e) {{ $r = "E"; }} echo $r, "\n"; }}"#
    );
    Some(script(&php, "-r", &text))
}

#[test]
fn composer_agrees_with_composer_semver() {
    let Some(command) = php_script("version_compare($p->normalize($a), $p->normalize($b))") else { return };
    let mut pairs = COMPOSER.pairs(15);
    pairs.extend(real_pairs(&real(&["Packagist"]), 16));
    // Composer knows only equality between two branches; PHP's order of their names means nothing to it.
    pairs.retain(|(a, b)| !(a.starts_with("dev-") && b.starts_with("dev-")));
    agree(Scheme::Composer, command, &pairs, order_word(Scheme::Composer));
}

#[test]
fn composer_constraints_agree_with_composer_semver() {
    let Some(command) =
        php_script("[$p->normalize($a), (int) Composer\\Semver\\Semver::satisfies($a, $b)][1]")
    else {
        return;
    };
    let version = Shape {
        prefixes: &["", "", "", "v"],
        numbers: &["0", "1", "2", "3"],
        counts: &[2, 3, 4],
        tails: &["-beta1", "-RC1", "-dev", "-p1"],
        ..COMPOSER
    };
    let bound =
        Shape { counts: &[1, 2, 3, 3, 4], tails: &["-beta1", "-RC1", "-dev", "-p1", "-stable"], ..version };
    let forms = [
        "V",
        "^V",
        "~V",
        ">V",
        "<V",
        ">=V",
        "<=V",
        "=V",
        "==V",
        "!=V",
        "<>V",
        ">=V,<V",
        ">=V <V",
        "^V || ~V",
        "^V|^V",
        "V.*",
        "V.x",
        "V - V",
        "*",
        "> V",
        ">=V@beta",
        "V@dev",
        "dev-main",
        "~>V",
        "foo",
        "<V || >=V,!=V",
    ];
    let pairs = range_pairs(&version, &bound, &forms, 17);
    agree(Scheme::Composer, command, &pairs, range_word(Scheme::Composer));
}

#[test]
fn maven_agrees_with_comparable_version() {
    let (Some(java), Some(jar)) = (tool("java"), tool_file("maven/maven-artifact-3.9.9.jar")) else { return };
    let shape = Shape {
        prefixes: &["", "", "", "", "r", "v"],
        numbers: NUMBERS,
        separators: &[".", ".", ".", "-", ""],
        counts: &[1, 2, 3, 4],
        tails: &[
            "-alpha",
            "a1",
            "-beta-2",
            "b",
            "m2",
            "-M3",
            "-rc",
            "CR1",
            "-SNAPSHOT",
            "-ga",
            ".Final",
            ".RELEASE",
            "sp",
            "-sp-1",
            "x",
            ".x",
            "-1",
            "-",
            ".",
            "-0",
            ".0",
            "-jre8",
            ".v20",
            "-20210101.010203-1",
            "0",
            "-a",
            ".ga.1",
        ],
    };
    let mut pairs: Vec<_> =
        shape.pairs(18).into_iter().filter(|(a, b)| !a.is_empty() && !b.is_empty()).collect();
    pairs.extend(real_pairs(&real(&["Maven"]), 19));
    let folder = workspace().join("target/tools/maven");
    let source = folder.join("Compare.java");
    std::fs::write(
        &source,
        r#"import org.apache.maven.artifact.versioning.ComparableVersion;
           public class Compare { public static void main(String[] args) throws Exception {
             var in = new java.io.BufferedReader(new java.io.InputStreamReader(System.in));
             var out = new StringBuilder(); String line;
             while ((line = in.readLine()) != null) { var p = line.split("\t", -1);
               out.append(Integer.signum(new ComparableVersion(p[0]).compareTo(new ComparableVersion(p[1])))).append('\n'); }
             System.out.print(out); } }"#,
    )
    .unwrap();
    let mut command = Command::new(java);
    command.arg("-cp").arg(jar).arg(source);
    agree(Scheme::Maven, command, &pairs, order_word(Scheme::Maven));
}

#[test]
fn go_agrees_with_x_mod_semver() {
    let (Some(go), Some(folder)) = (tool("go"), tool_file("go/semver")) else { return };
    let mut pairs = SEMVER.pairs(20);
    let reals = real(&["Go"]);
    pairs.extend(real_pairs(&reals, 21));
    pairs.retain(|(a, b)| !a.is_empty() && !b.is_empty());
    std::fs::write(
        folder.join("main.go"),
        r#"package main
import ("bufio"; "fmt"; "os"; "strings"; "golang.org/x/mod/semver")
func v(s string) string { if strings.HasPrefix(s, "v") { return s }; return "v" + s }
func main() { in := bufio.NewScanner(os.Stdin); out := bufio.NewWriter(os.Stdout); defer out.Flush()
 for in.Scan() { p := strings.Split(in.Text(), "\t"); a, b := v(p[0]), v(p[1])
  if semver.IsValid(a) && semver.IsValid(b) { fmt.Fprintln(out, semver.Compare(a, b)) } else { fmt.Fprintln(out, "E") } } }
"#,
    )
    .unwrap();
    let mut command = Command::new(go);
    command.arg("run").arg(".").current_dir(folder);
    agree(Scheme::Go, command, &pairs, order_word(Scheme::Go));
}
