//! Names and versions as each language's registry understands them.

use crate::one;

#[test]
fn python_names_are_compared_as_pep_503_says() {
    one("", "pypi Foo._Bar 1", ("PyPI", "foo-bar", "<2"), "fixed 2");
    one("", "pypi foo-bar 1", ("PyPI", "Foo_Bar", "<2"), "fixed 2");
    one("", "pypi foobar 1", ("PyPI", "foo-bar", "<2"), "");
    one("", "pypi x 2.0rc1", ("PyPI", "x", "<2.0"), "fixed 2.0");
    one("", "pypi x 1!1.0", ("PyPI", "x", "<2.0"), "");
}

#[test]
fn npm_scopes_are_part_of_the_name() {
    one("", "npm @scope/x 1.0.0", ("npm", "@scope/x", "<2.0.0"), "fixed 2.0.0");
    one("", "npm x 1.0.0", ("npm", "@scope/x", "<2.0.0"), "");
    one("", "npm @scope/x 1.0.0", ("npm", "x", "<2.0.0"), "");
    one("", "npm x 2.0.0-beta.1", ("npm", "x", "<2.0.0"), "fixed 2.0.0");
}

#[test]
fn maven_artifacts_are_named_with_their_group() {
    let log4j = "maven log4j-core 2.14.1 group=org.apache.logging.log4j";
    let name = "org.apache.logging.log4j:log4j-core";
    one("", log4j, ("Maven", name, ">=2.13.0 <2.15.0 | >=2.0-beta9 <2.3.1"), "fixed 2.15.0");
    one("", "maven log4j-core 2.14.1", ("Maven", name, "<2.15.0"), "");
    one("", "maven log4j-core 2.14.1 group=org.example", ("Maven", name, "<2.15.0"), "");
    one("", "maven x 1.0-SNAPSHOT group=g", ("Maven", "g:x", "<1.0"), "fixed 1.0");
}

#[test]
fn go_modules_come_with_and_without_their_v() {
    one("", "golang golang.org/x/net v0.1.0", ("Go", "golang.org/x/net", "<0.2.0"), "fixed 0.2.0");
    one("", "golang golang.org/x/net v0.2.0", ("Go", "golang.org/x/net", "<0.2.0"), "");
    one("", "golang stdlib 1.20.1", ("Go", "stdlib", "<1.19.8 | >=1.20.0-0 <1.20.3"), "fixed 1.20.3");
    one("", "golang stdlib 1.19.8", ("Go", "stdlib", "<1.19.8 | >=1.20.0-0 <1.20.3"), "");
}

#[test]
fn go_pseudo_versions_lie_between_releases() {
    let net = |version: &str| format!("golang golang.org/x/net {version}");
    let fixed = ("Go", "golang.org/x/net", "<0.0.0-20210520170846-37e1c6afe023");
    one("", &net("v0.0.0-20210119194325-5f4716e94777"), fixed, "fixed 0.0.0-20210520170846-37e1c6afe023");
    one("", &net("v0.0.0-20220101000000-aaaaaaaaaaaa"), fixed, "");
    one("", &net("v0.1.0"), fixed, "");
}

#[test]
fn php_and_dotnet_names_know_no_case() {
    one("", "composer Http 1.0 group=Symfony", ("Packagist", "symfony/http", "<2"), "fixed 2");
    one("", "nuget Newtonsoft.Json 12.0.1", ("NuGet", "newtonsoft.json", "<13.0.1"), "fixed 13.0.1");
    one("", "gem Rails 5", ("RubyGems", "rails", "<6"), "");
}
