//! How fast the analyzers read source files, beside hashing of the same bytes, in one run.
//!
//! `cargo bench -p assay-usage`, or `… -- <FOLDER>` to read the files of a folder instead of generated ones. A cold scan hashes and
//! inflates every byte; what is added to it must be small beside that.

// A benchmark reads the clock, its arguments and files, and prints.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "a benchmark's numbers are its own"
)]

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use assay_analyze::{Analyzer, File, LayerFacts, Matcher, Sink};
use sha2::{Digest as _, Sha256};

/// A kind of file: its suffix, and lines as such files have them.
const KINDS: &[(&str, &str)] = &[
    (
        ".py",
        "import os\nfrom typing import Any, Optional\n\nclass Session(Base):\n    \"\"\"Keeps what was asked for.\n\n    It is closed when the caller leaves.\n    \"\"\"\n\n    def __init__(self, name: str, timeout: Optional[float] = None) -> None:\n        self.name = name\n        self.timeout = timeout or DEFAULT\n        self.headers = {'Accept': '*/*', 'User-Agent': agent()}\n\n    def send(self, request: Any) -> Any:\n        if self.timeout is None and request.is_streamed:\n            raise ValueError('a streamed request needs a timeout')\n        for key, value in self.headers.items():\n            request.headers.setdefault(key, value)\n        return self.adapter.send(request, timeout=self.timeout)\n\n",
    ),
    (
        ".js",
        "'use strict'\nvar debug = require('debug')('http')\nconst { inherits } = require('util')\n\n/**\n * Keeps what was asked for.\n * @param {string} name\n */\nfunction Session (name, options) {\n  if (!(this instanceof Session)) return new Session(name, options)\n  this.name = name\n  this.timeout = options && options.timeout || 30000\n  this.headers = { accept: '*/*', 'user-agent': agent() }\n}\n\nSession.prototype.send = function send (request, callback) {\n  for (const key of Object.keys(this.headers)) {\n    if (request.headers[key] === undefined) request.headers[key] = this.headers[key]\n  }\n  return this.adapter.send(request, { timeout: this.timeout }, callback)\n}\n\n",
    ),
    (
        ".rb",
        "require 'uri'\nrequire_relative 'base'\n\n# Keeps what was asked for.\nclass Session < Base\n  attr_reader :name, :timeout\n\n  def initialize(name, timeout: nil)\n    @name = name\n    @timeout = timeout || DEFAULT\n    @headers = { 'Accept' => '*/*', 'User-Agent' => agent }\n  end\n\n  def send_request(request)\n    raise ArgumentError, 'a streamed request needs a timeout' if timeout.nil? && request.streamed?\n    @headers.each { |key, value| request.headers[key] ||= value }\n    adapter.call(request, timeout: timeout)\n  end\nend\n\n",
    ),
    (
        ".php",
        "<?php\n\nnamespace App\\Http;\n\nuse Psr\\Log\\LoggerInterface;\n\n/**\n * Keeps what was asked for.\n */\nclass Session extends Base\n{\n    private $headers = ['Accept' => '*/*'];\n\n    public function __construct(string $name, ?float $timeout = null)\n    {\n        $this->name = $name;\n        $this->timeout = $timeout ?? self::DEFAULT;\n    }\n\n    public function send(Request $request): Response\n    {\n        foreach ($this->headers as $key => $value) {\n            $request->headers[$key] ??= $value;\n        }\n        return $this->adapter->send($request, ['timeout' => $this->timeout]);\n    }\n}\n\n",
    ),
    (
        ".pm",
        "package Session;\nuse strict;\nuse warnings;\nuse parent 'Base';\n\n# Keeps what was asked for.\nsub new {\n    my ($class, %options) = @_;\n    my $self = { name => $options{name}, timeout => $options{timeout} || 30 };\n    return bless $self, $class;\n}\n\nsub send_request {\n    my ($self, $request) = @_;\n    for my $key (keys %{ $self->{headers} }) {\n        $request->{headers}{$key} //= $self->{headers}{$key};\n    }\n    return $self->{adapter}->send($request, timeout => $self->{timeout});\n}\n\n1;\n\n",
    ),
];

/// Files by path.
type Sources = Vec<(String, Vec<u8>)>;

fn main() {
    let folder = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let mut all: Vec<(&str, Sources)> = Vec::new();
    for (suffix, lines) in KINDS {
        let mut files = Vec::new();
        match &folder {
            Some(folder) => collect(Path::new(folder), suffix, &mut files),
            None => {
                // Of 4 kB to 64 kB, as packages have them.
                let whole = |index: usize| lines.repeat(1 + (4096 + index * 61) / lines.len()).into_bytes();
                files.extend((0..1000).map(|index| (format!("srv/{index}{suffix}"), whole(index))));
            }
        }
        all.push((suffix, files));
    }
    let analyzers: Vec<&'static dyn Analyzer> = assay_usage::analyzers().collect();
    let matcher = Matcher::new(analyzers.iter().copied());
    println!("{:6} {:>7} {:>8} {:>10} {:>10}", "files", "count", "MB", "scan MB/s", "hash MB/s");
    for (suffix, files) in &all {
        let bytes: usize = files.iter().map(|(_, text)| text.len()).sum();
        if bytes == 0 {
            continue;
        }
        let scan = best(|| files.iter().for_each(|(path, text)| analyze(&matcher, path, text)));
        let hash = best(|| {
            files.iter().for_each(|(_, text)| {
                black_box(Sha256::digest(text));
            });
        });
        let speed = |time: Duration| bytes as f64 / 1e6 / time.as_secs_f64();
        let (count, megabytes) = (files.len(), bytes as f64 / 1e6);
        println!("{suffix:6} {count:>7} {megabytes:>8.1} {:>10.0} {:>10.0}", speed(scan), speed(hash));
    }
}

fn analyze(matcher: &Matcher<'_>, path: &str, text: &[u8]) {
    let mut found = Vec::new();
    matcher.by_path(path, &mut found);
    for analyzer in found.iter().filter_map(|index| matcher.analyzers().get(*index)) {
        let mut facts = LayerFacts::default();
        analyzer.analyze(&File::new(path, 0o644, &text), &mut Sink::new(path, &mut facts));
        black_box(facts);
    }
}

fn collect(folder: &Path, suffix: &str, files: &mut Vec<(String, Vec<u8>)>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            collect(&path, suffix, files);
        } else if kind.is_file()
            && let Some(name) = path.to_str().filter(|path| path.ends_with(suffix))
            && let Ok(text) = std::fs::read(&path)
        {
            files.push((name.to_owned(), text));
        }
    }
}

/// Returns the shortest of a few runs.
fn best(mut run: impl FnMut()) -> Duration {
    let times = (0..5).map(|_| {
        let start = Instant::now();
        run();
        start.elapsed()
    });
    times.min().unwrap()
}
