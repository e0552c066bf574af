//! Small files of the rarer languages and systems, and code that asks for other code, by path.

/// Lockfiles and metadata.
pub(super) const LANGUAGES: &[(&str, &str)] = &[
    (
        "srv/mix.lock",
        "%{\n  \"a\": {:hex, :a, \"1.0.0\", \"x\", [:mix], [{:b, \"~> 1.0\", [hex: :b, optional: true]}], \"hexpm\", \"y\"},\n  \"g\": {:git, \"https://x\", \"abc\", []},\n}\n",
    ),
    (
        "srv/rebar.lock",
        "{\"1.2.0\",\n[{<<\"cowboy\">>,{pkg,<<\"cowboy\">>,<<\"2.9.0\">>},0},\n {<<\"mine\">>,{git,\"https://x\",{ref,\"0c\"}},0}]}.\n",
    ),
    (
        "usr/lib/a-1.0/ebin/a.app",
        "{application,a,\n [{description,\"d\"},{vsn,\"1.0\"},{modules,[]},{applications,[kernel,b]}]}.\n",
    ),
    (
        "srv/pubspec.lock",
        "packages:\n  a:\n    dependency: \"direct main\"\n    description:\n      name: a\n      url: \"https://x\"\n    source: hosted\n    version: \"1.0.0\"\n",
    ),
    (
        "srv/cabal.project.freeze",
        "active-repositories: x\nconstraints: any.a ==1.0,\n             a +flag,\n             any.b ==2.0\n",
    ),
    (
        "srv/stack.yaml.lock",
        "packages:\n- completed:\n    hackage: fuzzyset-0.2.4@sha256:f1b6,1618\n  original:\n    hackage: fuzzyset-0.2.4\n- completed:\n    name: own\n    version: 1.2.0\n    git: https://x\nsnapshots:\n- completed:\n    sha256: 1e\n  original: lts-20.26\n",
    ),
    (
        "usr/lib/luarocks/rocks-5.1/lapis/1.9.0-1/lapis-1.9.0-1.rockspec",
        "package = \"lapis\"\nversion = \"1.9.0-1\"\ndescription = {\n  summary = [[x]],\n  license = \"MIT\"\n}\n-- c\ndependencies = {\n  \"lua\", \"lua-cjson >= 2.1\",\n}\n",
    ),
    (
        "srv/luarocks.lock",
        "return {\n   dependencies = {\n      [\"a\"] = \"1.0-1\",\n      b = '2.0-1',\n   }\n}\n",
    ),
    (
        "home/.opam/x/.opam-switch/switch-state",
        "opam-version: \"2.0\"\ninstalled: [\n  \"dune.3.12.1\"\n  \"a.1\"\n]\n",
    ),
    (
        "srv/a.opam.locked",
        "opam-version: \"2.0\"\ndepends: [\n  \"base\" {= \"v0.16.3\"}\n  \"dune\" {= \"3.12.1\" & build}\n]\n",
    ),
    (
        "srv/cpanfile.snapshot",
        "# carton snapshot format: version 1.0\nDISTRIBUTIONS\n  Plack-1.0047\n    pathname: M/MI/MIYAGAWA/Plack-1.0047.tar.gz\n    provides:\n      Plack 1.0047\n    requirements:\n      perl 5.008\n",
    ),
    (
        "usr/perl/.meta/Plack-1.0047/install.json",
        r#"{"dist":"Plack-1.0047","name":"Plack","pathname":"M/MI/MIYAGAWA/Plack-1.0047.tar.gz","target":"Plack","version":"1.0047"}"#,
    ),
    (
        "usr/lib/R/library/a/DESCRIPTION",
        "Package: a\nVersion: 1.0-2\nLicense: GPL (>= 2)\nImports: b (>= 1),\n    c\nBuilt: R 4.2.0\n",
    ),
    (
        "srv/renv.lock",
        r#"{"R":{"Version":"4.2.0"},"Packages":{"a":{"Package":"a","Version":"1.0","Source":"Repository","Requirements":["R","b"]}}}"#,
    ),
    (
        "srv/Package.resolved",
        r#"{"pins":[{"identity":"a","kind":"remoteSourceControl","location":"https://github.com/x/a.git","state":{"revision":"0c","version":"1.0.0"}}],"object":{"pins":[{"package":"B","repositoryURL":"https://x/b","state":{"version":"2.0.0"}}]},"version":2}"#,
    ),
    (
        "srv/Podfile.lock",
        "PODS:\n  - A (4.0.1):\n    - A/B (= 4.0.1)\n  - A/B (4.0.1)\n  - Own (0.1.0)\n\nEXTERNAL SOURCES:\n  Own:\n    :path: \"../Own\"\n",
    ),
    (
        "srv/.terraform.lock.hcl",
        "provider \"registry.terraform.io/hashicorp/aws\" {\n  version     = \"5.31.0\"\n  constraints = \"~> 5.0\"\n  hashes = [\n    \"h1:x\",\n  ]\n}\n",
    ),
    (
        "srv/conan.lock",
        r#"{"graph_lock":{"nodes":{"1":{"ref":"libcurl/7.61.1#0","context":"host","requires":["2"]},"2":{"ref":"zlib/1.2.11@u/c"}}},"version":"0.4"}"#,
    ),
    (
        "srv/new/conan.lock",
        r#"{"version":"0.5","requires":["zlib/1.2.13#97%1692.049"],"build_requires":["cmake/3#0"]}"#,
    ),
    ("srv/conanfile.txt", "[requires]\nzlib/1.2.11 # c\npoco/[>1.0,<1.9]\n\n[generators]\ncmake/1\n"),
    (
        "opt/conda-meta/a-1.0-0.json",
        r#"{"name":"a","version":"1.0","build":"0","license":"MIT","depends":["b >=1"],"files":["lib/a"]}"#,
    ),
    (
        ".github/workflows/ci.yml",
        "jobs:\n  a:\n    steps:\n      - uses: actions/checkout@v4\n      - uses: a/b/c@0c2f4b2bd1e9b1ff3e6e4f2b0a4c8b2f7d6e5a41 # v1.2.3\n    uses: ./x\n",
    ),
    (
        "srv/maven_install.json",
        r#"{"artifacts":{"g:a":{"shasums":{"jar":"0"},"version":"1.0"}},"dependencies":{"g:a":["g:b"]},"version":"2","dependency_tree":{"dependencies":[{"coord":"a.b:c:1.0"}]}}"#,
    ),
    (
        "srv/Manifest.toml",
        "julia_version = \"1.9.0\"\nmanifest_format = \"2.0\"\n[[deps.JSON]]\ndeps = [\"Dates\", \"Parsers\"]\ngit-tree-sha1 = \"3c\"\nuuid = \"682c06a0-de6a-54ab-a142-c8b1cf79cde6\"\nversion = \"0.21.3\"\n",
    ),
    (
        "srv/deno.lock",
        r#"{"version":"4","specifiers":{},"jsr":{"@std/path@1.0.8":{}},"npm":{"chalk@5.3.0":{},"@a/b@1.0.0_@c+d@2.0.0":{}},"remote":{"https://x":"0"}}"#,
    ),
    (
        "opt/vcpkg/status",
        "Package: zlib\nVersion: 1.2.13\nPort-Version: 1\nDepends: a, b[core]:x64-linux\nStatus: install ok installed\n",
    ),
    (
        "opt/x/vcpkg.spdx.json",
        r#"{"name":"zlib:x64-linux@1.2.13#1","packages":[{"name":"zlib","SPDXID":"SPDXRef-port","versionInfo":"1.2.13#1","licenseConcluded":"Zlib"}]}"#,
    ),
    ("srv/wp-includes/version.php", "<?php\n$wp_version = '6.4.2';\n"),
    (
        "srv/wp-content/plugins/akismet/akismet.php",
        "<?php\n/*\nPlugin Name: Akismet\nVersion: 5.3.1\nLicense: GPLv2 or later\n*/\n",
    ),
    ("srv/wp-content/themes/x/style.css", "/*\nTheme Name: X\nVersion: 1.0\n*/\n"),
];

/// Records of the rarer package managers.
pub(super) const SYSTEMS: &[(&str, &str)] = &[
    (
        "opt/bitnami/redis/.spdx-redis.spdx",
        r#"{"packages":[{"name":"redis","versionInfo":"7.0.10-2","licenseDeclared":"BSD","externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:bitnami/redis@7.0.10-2?arch=amd64&distro=debian-11"}]},{"name":"j","externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:generic/j@5.2.1"}]}]}"#,
    ),
    (
        "opt/bitnami/.bitnami_components.json",
        r#"{"redis":{"arch":"amd64","distro":"debian-11","type":"NAMI","version":"7.0.10-2"},"x":{}}"#,
    ),
    (
        "var/lib/flatpak/app/org.a.B/x86_64/stable/0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a/metadata",
        "[Application]\nname=org.a.B\nruntime=org.gnome.Platform/x86_64/45\n",
    ),
    (
        "home/linuxbrew/.linuxbrew/Cellar/curl/8.6.0_1/INSTALL_RECEIPT.json",
        r#"{"arch":"x86_64","source":{"tap":"homebrew/core","versions":{"stable":"8.6.0"}},"runtime_dependencies":[{"full_name":"openssl@3","version":"3.2.1"}]}"#,
    ),
    (
        "usr/lib/opkg/status",
        "Package: busybox\nVersion: 1.36.1-1\nDepends: libc, libubus (>= 2023)\nStatus: install ok installed\nArchitecture: x86_64\nConffiles:\n /etc/x 0f\n",
    ),
    (
        "var/db/pkg/app-containers/skopeo-1.5.1/CONTENTS",
        "dir /usr\nobj /usr/my docs/a 0cc175b9c0f1b6a831c399e269772661 1670000000\nsym /usr/bin/s -> skopeo 1670000000\nfif /run/x\n",
    ),
    (
        "snap/lxd/24322/meta/snap.yaml",
        "name: lxd\nversion: 5.0.2-838e1b2\nlicense: AGPL-3.0\narchitectures:\n- amd64\nbase: core20\napps:\n  lxc: {}\n",
    ),
];

/// Code that names other code.
pub(super) const CODE: &[(&str, &str)] = &[
    (
        "srv/a.py",
        "#!/usr/bin/env python3\n'''doc'''\nimport os, a.b as c\nfrom . import d\nfrom x import (\n  y,\n  z)\nif True:\n    __import__('m')\n    importlib.import_module(f\"p.{q}\")\nexec(\"import r\")\n",
    ),
    ("usr/lib/python3/site-packages/x.pth", "import sys; sys.path\n../other\n"),
    (
        "srv/a.js",
        "#!/usr/bin/env node\nimport a, {b} from 'a';\nexport * from \"./b\";\nconst c = require('c/d'), e = require(f + `g${h}`);\nawait import('i'); /re\\/[/]/g.test(x) // c\nlet j = `k ${`l ${m}`}`;\n",
    ),
    ("srv/a.mjs", "import x from './y.mjs' with { type: 'json' }\n"),
    (
        "srv/a.rb",
        "#!/usr/bin/ruby\nrequire 'json'\nrequire_relative \"b\"\nload %q(c.rb)\nautoload :D, 'd'\nBundler.require(*x)\n<<~H\n require 'no'\nH\n=begin\n=end\n",
    ),
    (
        "srv/a.pl",
        "#!/usr/bin/perl\nuse strict;\nuse lib 'lib';\nuse A::B qw(c d);\nrequire \"x.pl\";\nuse parent -norequire, 'E';\n=pod\n=cut\nq{use No;}\n__END__\nuse Not;\n",
    ),
    (
        "srv/a.php",
        "<?php\nnamespace A\\B;\nuse C\\{D, E as F};\nrequire_once __DIR__ . '/vendor/autoload.php';\ninclude \"x.php\";\n$x = new \\G\\H(<<<T\n require 'no';\nT);\n?>text<?= 1 ?>",
    ),
];
