//! Documents of other tools, cut down to what matters. Written by hand after what Trivy 0.58, Syft 1.18 and BuildKit write.

use assay_sbom::document::Component;
use assay_sbom::{read, recognise};

#[track_caller]
fn check(text: &str, want: &str) {
    assert!(recognise(text.as_bytes()).is_some());
    let (image, inventory) = read(text.as_bytes()).unwrap().inventory();
    let os = inventory.os.as_ref().map(|os| format!("{} {}", os.id, os.version)).unwrap_or_default();
    let mut lines = vec![format!("{} | {os} | {} layers", image.reference, image.layers.len())];
    for package in &inventory.packages {
        let places: Vec<String> = package
            .locations
            .iter()
            .map(|place| {
                format!("{}@{}", place.path, place.layer.map_or("-".to_owned(), |it| it.to_string()))
            })
            .collect();
        lines.push(format!(
            "{} {} | {} | {} | {} | {:?}",
            package.full_name(),
            package.version,
            package.source.as_ref().map(|it| format!("{} {}", it.name, it.version)).unwrap_or_default(),
            package.licenses.join(","),
            places.join(","),
            package.depends_on,
        ));
    }
    lines.extend(inventory.warnings.iter().map(|warning| format!("! {}", warning.code)));
    assert_eq!(lines.join("\n"), want);
}

#[test]
fn trivy_cyclonedx() {
    let text = r#"{"$schema":"http://cyclonedx.org/schema/bom-1.6.schema.json","bomFormat":"CycloneDX","specVersion":"1.6","version":1,
      "metadata":{"component":{"bom-ref":"root","type":"container","name":"app.tar","properties":[
        {"name":"aquasecurity:trivy:DiffID","value":"sha256:1111111111111111111111111111111111111111111111111111111111111111"},
        {"name":"aquasecurity:trivy:DiffID","value":"sha256:2222222222222222222222222222222222222222222222222222222222222222"}]}},
      "components":[
        {"bom-ref":"os","type":"operating-system","name":"debian","version":"12.6"},
        {"bom-ref":"lock","type":"application","name":"app/package-lock.json","properties":[{"name":"aquasecurity:trivy:Class","value":"lang-pkgs"}]},
        {"bom-ref":"a","type":"library","supplier":{"name":"GNU Libc Maintainers"},"name":"libc6","version":"2.36-9+deb12u7",
         "purl":"pkg:deb/debian/libc6@2.36-9%2Bdeb12u7?arch=amd64&distro=debian-12.6",
         "licenses":[{"license":{"id":"LGPL-2.1-only"}},{"license":{"name":"custom"}}],
         "properties":[{"name":"aquasecurity:trivy:LayerDiffID","value":"sha256:2222222222222222222222222222222222222222222222222222222222222222"},
          {"name":"aquasecurity:trivy:SrcName","value":"glibc"},{"name":"aquasecurity:trivy:SrcVersion","value":"2.36"},
          {"name":"aquasecurity:trivy:SrcRelease","value":"9+deb12u7"}]},
        {"bom-ref":"b","type":"library","group":"@babel","name":"core","version":"7.0.0","purl":"pkg:npm/%40babel/core@7.0.0",
         "properties":[{"name":"aquasecurity:trivy:FilePath","value":"app/node_modules/@babel/core/package.json"}]}],
      "dependencies":[{"ref":"b","dependsOn":["a","lock"]}],"vulnerabilities":[]}"#;
    check(
        text,
        "app.tar | debian 12.6 | 2 layers\n\
         libc6 2.36-9+deb12u7 | glibc 2.36-9+deb12u7 | LGPL-2.1-only,custom |  | []\n\
         @babel/core 7.0.0 |  |  | app/node_modules/@babel/core/package.json@- | [0]",
    );
}

#[test]
fn syft_cyclonedx_xml() {
    let text = r#"<?xml version="1.0"?><bom xmlns="http://cyclonedx.org/schema/bom/1.3" version="1"><metadata>
      <component type="container" bom-ref="r"><name>alpine</name><version>sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa</version></component></metadata>
      <components><component type="library" bom-ref="m"><publisher>Natanael</publisher><name>musl</name><version>1.2.4-r2</version>
      <licenses><expression>MIT</expression></licenses><purl>pkg:apk/alpine/musl-utils@1.2.4-r2?arch=x86_64&amp;upstream=musl&amp;distro=alpine-3.18.4</purl>
      <properties><property name="syft:location:0:path">/lib/apk/db/installed</property></properties></component>
      <component type="operating-system"><name>alpine</name><version>3.18.4</version>
      <properties><property name="syft:distro:prettyName">Alpine Linux v3.18</property></properties></component></components></bom>"#;
    check(
        text,
        "alpine | alpine 3.18.4 | 0 layers\nmusl-utils 1.2.4-r2 | musl 1.2.4-r2 | MIT | lib/apk/db/installed@- | []",
    );
}

#[test]
fn syft_json() {
    let text = r#"{"artifacts":[{"id":"1","name":"openssl-libs","version":"1:3.0.1-42.el9_0","type":"rpm","foundBy":"rpm-db-cataloger",
       "locations":[{"path":"/var/lib/rpm/rpmdb.sqlite","layerID":"sha256:1111111111111111111111111111111111111111111111111111111111111111"}],
       "licenses":[{"value":"ASL 2.0"}],"cpes":[{"cpe":"cpe:2.3:a:redhat:openssl-libs:1:*:*:*:*:*:*:*"}],
       "purl":"pkg:rpm/redhat/openssl-libs@3.0.1-42.el9_0?arch=x86_64&epoch=1&upstream=openssl-3.0.1-42.el9_0.src.rpm&distro=rhel-9.0",
       "metadata":{"vendor":"Red Hat, Inc.","sourceRpm":"openssl-3.0.1-42.el9_0.src.rpm"}},
      {"id":"2","name":"glibc","version":"2.34-1.el9","purl":"pkg:rpm/redhat/glibc@2.34-1.el9?arch=x86_64&distro=rhel-9.0"}],
      "artifactRelationships":[{"parent":"2","child":"1","type":"dependency-of"}],
      "source":{"name":"ubi","version":"x","type":"image","metadata":{"userInput":"ubi:9","layers":[{"digest":"sha256:1111111111111111111111111111111111111111111111111111111111111111"}]}},
      "distro":{"id":"rhel","versionID":"9.0","prettyName":"Red Hat Enterprise Linux 9.0 (Plow)"},
      "descriptor":{"name":"syft","version":"1.18.0"},"schema":{"version":"16.0.24","url":"https://raw.githubusercontent.com/anchore/syft/main/schema/json/schema-16.0.24.json"}}"#;
    check(
        text,
        "ubi:9 | rhel 9.0 | 1 layers\n\
         glibc 2.34-1.el9 |  |  |  | []\n\
         openssl-libs 1:3.0.1-42.el9_0 | openssl 1:3.0.1-42.el9_0 | ASL 2.0 | var/lib/rpm/rpmdb.sqlite@0 | [0]",
    );
}

#[test]
fn trivy_spdx_and_tag_value() {
    let text = r#"{"SPDXID":"SPDXRef-DOCUMENT","spdxVersion":"SPDX-2.2","name":"app","documentNamespace":"https://x/1",
      "creationInfo":{"created":"2024-01-01T00:00:00Z","creators":["Organization: aquasecurity","Tool: trivy-0.58.0"]},
      "packages":[{"name":"app","SPDXID":"SPDXRef-ContainerImage-1","primaryPackagePurpose":"CONTAINER"},
        {"name":"ubuntu","SPDXID":"SPDXRef-OperatingSystem-1","versionInfo":"22.04","primaryPackagePurpose":"OPERATING-SYSTEM"},
        {"name":"libssl3","SPDXID":"SPDXRef-Package-1","versionInfo":"3.0.2-0ubuntu1.12","sourceInfo":"built package from: openssl 3.0.2-0ubuntu1.12",
         "licenseDeclared":"LicenseRef-1 AND MIT","externalRefs":[{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"pkg:deb/ubuntu/libssl3@3.0.2-0ubuntu1.12?arch=amd64&distro=ubuntu-22.04"}]}],
      "hasExtractedLicensingInfos":[{"licenseId":"LicenseRef-1","name":"Odd licence","extractedText":"text"}],
      "relationships":[{"spdxElementId":"SPDXRef-DOCUMENT","relatedSpdxElement":"SPDXRef-ContainerImage-1","relationshipType":"DESCRIBES"}]}"#;
    check(
        text,
        "app | ubuntu 22.04 | 0 layers\n\
         libssl3 3.0.2-0ubuntu1.12 | openssl 3.0.2-0ubuntu1.12 | Odd licence,MIT |  | []",
    );
    let tag_value = "##\nSPDXVersion: SPDX-2.3\nSPDXID: SPDXRef-DOCUMENT\nDocumentName: kernel\n\nPackageName: openwrt\nSPDXID: SPDXRef-a\n\
        PackageVersion: 1.0\nPackageComment: <text>two\nPackageName: no\n</text>\nPackageLicenseConcluded: GPL-2.0-only\n\
        ExternalRef: PACKAGE_MANAGER purl pkg:npm/left-pad@1.0\n\nFileName: ./x\nSPDXID: SPDXRef-f\n\
        Relationship: SPDXRef-DOCUMENT DESCRIBES SPDXRef-a\n";
    // A document about a package is about what is there, not about a place where it is.
    check(tag_value, "kernel |  | 0 layers\nleft-pad 1.0 |  | GPL-2.0-only |  | []");
}

#[test]
fn what_lists_nothing_is_not_clean() {
    check(
        r#"{"bomFormat":"CycloneDX","specVersion":"1.2","components":null}"#,
        " |  | 0 layers\n! sbom-without-packages",
    );
}

#[test]
fn other_documents_are_refused_with_a_reason() {
    #[track_caller]
    fn refused(text: &str, want: &str) {
        assert_eq!(read(text.as_bytes()).unwrap_err().to_string(), want);
    }
    let unknown = "it is no bill of materials: neither CycloneDX nor SPDX nor Syft's JSON";
    refused("{}", unknown);
    refused("", unknown);
    refused("<html/>", unknown);
    refused("{\"lockfileVersion\": 3}", unknown);
    refused(
        r#"{"bomFormat":"CycloneDX","specVersion":"2.0"}"#,
        "it is CycloneDX JSON of version `2.0`, which is not read",
    );
    refused(r#"{"bomFormat":"CycloneDX","spec"#, "it cannot be read as CycloneDX JSON");
    refused(
        r#"<bom xmlns="http://cyclonedx.org/schema/bom/1.1"/>"#,
        "it is CycloneDX XML of version `http://cyclonedx.org/schema/bom/1.1`, which is not read",
    );
}

/// Checks the files of a document, each with its packages.
#[track_caller]
fn check_files(text: &str, components: &[&str], want: &[&str]) {
    let document = read(text.as_bytes()).unwrap();
    let names: Vec<String> = document.components.iter().map(Component::full_name).collect();
    assert_eq!(names, components);
    let files = document.files.iter().map(|file| {
        let owners = file.owners.iter().map(|owner| names.get(*owner as usize).unwrap().as_str());
        format!("{}: {}", file.path, owners.collect::<Vec<_>>().join(" "))
    });
    assert_eq!(files.collect::<Vec<_>>(), want);
}

/// Which package a file belongs to is said by where it stands (SPDX 2.3, clause 8).
#[test]
fn files_of_tag_value_belong_to_the_package_that_they_follow() {
    let text = "SPDXVersion: SPDX-2.3\nSPDXID: SPDXRef-DOCUMENT\nDocumentName: x\nDocumentNamespace: https://example.org/x\n\
        FileName: ./nobodys\nSPDXID: SPDXRef-0\n\
        PackageName: a\nSPDXID: SPDXRef-a\nFilesAnalyzed: true\n\
        FileName: ./usr/bin/a\nSPDXID: SPDXRef-1\nFileChecksum: SHA1: 0000000000000000000000000000000000000001\n\
        FileName: ./usr/lib/both\nSPDXID: SPDXRef-2\n\
        PackageName: b\nSPDXID: SPDXRef-b\n\
        FileName: ./usr/bin/b\nSPDXID: SPDXRef-3\n\
        Relationship: SPDXRef-b CONTAINS SPDXRef-2\nRelationship: SPDXRef-a CONTAINS SPDXRef-1\n";
    check_files(text, &["a", "b"], &["usr/bin/a: a", "usr/bin/b: b", "usr/lib/both: a b"]);
}

#[test]
fn files_that_packages_of_spdx_list_are_theirs() {
    let text = r#"{"spdxVersion":"SPDX-2.2","SPDXID":"SPDXRef-DOCUMENT","name":"x","documentNamespace":"https://example.org/x",
      "packages":[{"SPDXID":"SPDXRef-a","name":"a","hasFiles":["SPDXRef-1"]},{"SPDXID":"SPDXRef-b","name":"b"}],
      "files":[{"SPDXID":"SPDXRef-1","fileName":"./usr/bin/a"},{"SPDXID":"SPDXRef-2","fileName":"./nobodys"}],"relationships":[]}"#;
    check_files(text, &["a", "b"], &["usr/bin/a: a"]);
}

/// Whatever other tools refer to it by, a file within a component is one of its files; what says more of itself is no mere file.
#[test]
fn files_within_components_of_cyclonedx_are_theirs() {
    let text = r#"{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[
      {"bom-ref":"a","type":"library","name":"a","version":"1","purl":"pkg:deb/debian/a@1","components":[
        {"type":"file","name":"usr/bin/a"},
        {"bom-ref":"f2","type":"file","name":"usr/lib/a.so","hashes":[{"alg":"SHA-1","content":"00"}]},
        {"bom-ref":"file:x","type":"file","name":"lodash","version":"4.17.20","purl":"pkg:npm/lodash@4.17.20"}]},
      {"bom-ref":"file:usr/alone","type":"file","name":"usr/alone"}]}"#;
    check_files(text, &["a", "lodash", "usr/alone"], &["usr/bin/a: a", "usr/lib/a.so: a"]);
    let (_, inventory) = read(text.as_bytes()).unwrap().inventory();
    let names: Vec<&str> = inventory.packages.iter().map(|package| package.name.as_str()).collect();
    assert_eq!(names, ["a", "lodash"]);
}

/// A document of another tool that is written again has no reference twice.
#[test]
fn references_of_files_are_those_of_nothing_else() {
    let text = r#"{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[
      {"bom-ref":"file:usr/x","type":"library","name":"a","version":"1","purl":"pkg:deb/debian/a@1","components":[
        {"type":"file","name":"usr/x"},{"type":"file","name":"usr/y"},{"type":"file","name":"usr/y"}]}]}"#;
    let document = read(text.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    let format = assay_sbom::Format::named("cyclonedx", None).unwrap();
    assay_sbom::write(&document, None, format, &mut bytes).unwrap();
    let written: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    let files = written["components"][0]["components"].as_array().unwrap();
    let references: Vec<_> = files.iter().map(|file| file["bom-ref"].as_str()).collect();
    assert_eq!((files.len(), references), (3, vec![None, Some("file:usr/y"), None]));
}
