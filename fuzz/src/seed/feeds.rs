//! Small files of feeds, in their publishers' formats. To give a feed a seed, add one.

/// A file of a feed.
pub(crate) struct FeedFile {
    /// The feed's name.
    pub(crate) feed: &'static str,
    /// The path under which it is published.
    pub(crate) path: &'static str,
    /// The file.
    pub(crate) content: &'static str,
}

const fn file(feed: &'static str, path: &'static str, content: &'static str) -> FeedFile {
    FeedFile { feed, path, content }
}

/// The files, in the order of the list of feeds.
pub(crate) const FEED_FILES: &[FeedFile] = &[
    file(
        "osv",
        "npm/GHSA-1.json",
        r#"{"id":"GHSA-1","modified":"2024-01-01T00:00:00Z","published":"2023-01-01T00:00:00Z","aliases":["CVE-2024-1001"],"related":["CVE-2024-1002"],"upstream":["CVE-2024-1003"],"summary":"s","details":"d","severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H"}],"affected":[{"package":{"ecosystem":"npm","name":"p1"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.2.3"}]},{"type":"GIT","events":[{"introduced":"0"}]}],"versions":["1.0.0"],"database_specific":{"severity":"HIGH","cwe_ids":["CWE-79"]},"ecosystem_specific":{}}],"references":[{"type":"WEB","url":"https://x"}]}"#,
    ),
    file(
        "osv",
        "Debian/DSA-1.json",
        r#"{"id":"DSA-1-1","modified":"2024-01-01T00:00:00Z","upstream":["CVE-2024-1001","CVE-2024-1002"],"affected":[{"package":{"ecosystem":"Debian:12","name":"curl"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"7.88.1-10+deb12u1"}]}],"ecosystem_specific":{"urgency":"low"}}],"withdrawn":"2024-02-01T00:00:00Z"}"#,
    ),
    file(
        "cisa-kev",
        "known_exploited_vulnerabilities.json",
        r#"{"title":"t","catalogVersion":"1","dateReleased":"2024-01-01T00:00:00.0000Z","count":1,"vulnerabilities":[{"cveID":"CVE-2024-1001","vendorProject":"v","product":"p","dateAdded":"2024-01-01","dueDate":"2024-01-15","knownRansomwareCampaignUse":"Known"}]}"#,
    ),
    file(
        "epss",
        "epss_scores-2024.csv",
        "#model_version:v2023.03.01,score_date:2024-10-25T00:00:00+0000\ncve,epss,percentile\nCVE-2024-1001,0.91963,0.99030\n",
    ),
    file(
        "alpine-secdb",
        "v3.11/main.json",
        r#"{"urlprefix":"https://x","distroversion":"v3.11","reponame":"main","packages":[{"pkg":{"name":"xen","secfixes":{"0":["CVE-2020-9"],"4.1-r0":["CVE-2019-1 XSA-2","",7]}}}]}"#,
    ),
    file(
        "wolfi-secdb",
        "os/security.json",
        r#"{"apkurl":"x","packages":[{"pkg":{"name":"curl","secfixes":{"8.0-r0":["CVE-2024-1001"],"0":["GHSA-1"]}}}]}"#,
    ),
    file(
        "debian-tracker",
        "tracker/data/json",
        r#"{"curl":{"CVE-2024-1001":{"description":"d","scope":"remote","debianbug":1,"releases":{"bullseye":{"status":"resolved","fixed_version":"7.74.0-1","urgency":"low**","repositories":{"bullseye":"7.74.0-1"}},"bookworm":{"status":"resolved","fixed_version":"0","urgency":"unimportant"},"buster":{"status":"open","urgency":"end-of-life"},"stretch":{"status":"open","urgency":"medium","nodsa":"Minor issue","nodsa_reason":"postponed"}}}}}"#,
    ),
    file(
        "endoflife.date",
        "api/debian.json",
        r#"[{"cycle":"11","eol":"2024-08-14"},{"cycle":"sid","eol":false},{"cycle":"1.1","eol":true}]"#,
    ),
    file(
        "endoflife.date",
        "api/v1/products/full.json",
        r#"{"generated_at":"2026-08-22T00:00:00+00:00","result":[{"name":"debian","releases":[{"name":"11","isEol":true,"eolFrom":"2024-08-14"}]}]}"#,
    ),
    file(
        "redhat-csaf-vex",
        "vex/2024/cve-2024-1.json",
        r#"{"document":{"category":"csaf_vex","aggregate_severity":{"text":"Important"},"title":"t","tracking":{"id":"CVE-2024-1001","current_release_date":"2024-01-01T00:00:00+00:00","initial_release_date":"2023-01-01T00:00:00Z"}},"product_tree":{"branches":[{"category":"vendor","name":"Red Hat","branches":[{"category":"product_name","name":"RHEL 9","product":{"name":"RHEL 9","product_id":"BaseOS-9.3.0.Z.MAIN","product_identification_helper":{"cpe":"cpe:/o:redhat:enterprise_linux:9::baseos"}}},{"category":"product_version","name":"curl","product":{"name":"curl","product_id":"curl-0:7.76.1-26.el9_3.2.x86_64","product_identification_helper":{"purl":"pkg:rpm/redhat/curl@7.76.1-26.el9_3.2?arch=x86_64"}}}]}],"relationships":[{"category":"default_component_of","full_product_name":{"name":"x","product_id":"BaseOS-9.3.0.Z.MAIN:curl-0:7.76.1-26.el9_3.2.x86_64"},"product_reference":"curl-0:7.76.1-26.el9_3.2.x86_64","relates_to_product_reference":"BaseOS-9.3.0.Z.MAIN"}]},"vulnerabilities":[{"cve":"CVE-2024-1001","cwe":{"id":"CWE-119"},"title":"t","notes":[{"category":"description","text":"d"}],"product_status":{"fixed":["BaseOS-9.3.0.Z.MAIN:curl-0:7.76.1-26.el9_3.2.x86_64"],"known_affected":["BaseOS-9.3.0.Z.MAIN:curl-0:7.76.1-26.el9_3.2.x86_64"]},"scores":[{"cvss_v3":{"vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H"},"products":[]}],"threats":[{"category":"impact","details":"Low","product_ids":[]}],"remediations":[{"category":"no_fix_planned","details":"Will not fix","product_ids":["x"]}]}]}"#,
    ),
    file(
        "amazon",
        "updateinfo_AL2.xml",
        r#"<updates><update author="x" from="x" status="final" type="security" version="1"><id>ALAS2-2018-942</id><title>t</title><issued date="2018-01-31 19:06"/><updated date="2018-01-31"/><severity>medium</severity><description>d</description><references><reference href="https://x" id="CVE-2024-1001" type="cve"/></references><pkglist><collection short="amazon-linux-2"><name>x</name><module name="ruby" stream="2.6"/><package arch="x86_64" epoch="10" name="qemu-kvm" release="141.amzn2.5.3" version="1.5.3"><filename>x</filename></package></collection></pkglist></update></updates>"#,
    ),
    file(
        "rocky",
        "updateinfo/updateinfo.xml",
        r#"<updates><update type="security"><id>RLSA-2021:1</id><title>t</title><release>Rocky Linux 8</release><issued date="2021-01-31"/><references><reference id="CVE-2024-1001" type="cve"/></references><pkglist><collection><package arch="x86_64" epoch="0" name="lz4" release="3.el8_4" version="1.8.3"/></collection></pkglist></update></updates>"#,
    ),
    file("oracle", "com.oracle.elsa-all.xml", ORACLE_OVAL),
    file("suse-oval", "suse.linux.enterprise.server.15.xml", SUSE_OVAL),
    file(
        "suse-cvrf",
        "cvrf/cvrf-SUSE-SU-2018:1-1.xml",
        r#"<cvrfdoc><DocumentTitle>t</DocumentTitle><DocumentTracking><Identification><ID>SUSE-SU-2018:1-1</ID></Identification><InitialReleaseDate>2018-06-22T00:00:00Z</InitialReleaseDate></DocumentTracking><DocumentNotes><Note Title="Details" Type="General">d</Note></DocumentNotes><ProductTree><Branch Type="Product Family" Name="x"><Branch Type="Product Name" Name="SUSE Linux Enterprise Server 15 SP1"><FullProductName ProductID="S">S</FullProductName></Branch></Branch><Relationship ProductReference="ofed-1.5.4.1-22.3.1" RelationType="Default Component Of" RelatesToProductReference="SUSE Linux Enterprise Server 15 SP1"><FullProductName ProductID="S:ofed-1.5.4.1-22.3.1">x</FullProductName></Relationship></ProductTree><Vulnerability><CVE>CVE-2024-1001</CVE><ProductStatuses><Status Type="Fixed"><ProductID>SUSE Linux Enterprise Server 15 SP1:ofed-1.5.4.1-22.3.1</ProductID></Status></ProductStatuses><Threats><Threat Type="Impact"><Description>important</Description></Threat></Threats></Vulnerability></cvrfdoc>"#,
    ),
    file(
        "photon",
        "cve_data_photon3.0.json",
        r#"[{"cve_id":"CVE-2024-1001","pkg":"curl","cve_score":9.8,"aff_ver":"all versions before 7.1-1.ph3 are vulnerable","res_ver":"7.1-1.ph3","status":"Fixed"}]"#,
    ),
    file("photon", "com.vmware.phsa-photon3.xml", PHOTON_OVAL),
    file("azure-linux", "azurelinux-3.0-oval.xml", AZURE_OVAL),
    file(
        "arch",
        "all.json",
        r#"[{"name":"AVG-4","packages":["bzip2"],"status":"Vulnerable","severity":"Low","type":"denial of service","affected":"1.0.6-5","fixed":"1.0.6-6","ticket":null,"issues":["CVE-2024-1001"],"advisories":[]}]"#,
    ),
    file(
        "bottlerocket",
        "updateinfo.xml",
        r#"<updates><update type="security"><id>BRSA-1</id><title>t</title><issued date="2025-01-31"/><severity>high</severity><references><reference id="CVE-2024-1001" type="cve"/><reference id="GHSA-1" type="ghsa"/></references><pkglist><collection><package arch="x86_64" epoch="0" name="kernel-6.1" release="1.1.br1" version="6.1.140"/></collection></pkglist></update></updates>"#,
    ),
    file(
        "fedora",
        "bodhi/FEDORA-2023-1.json",
        r#"{"updateid":"FEDORA-2023-1","alias":"FEDORA-2023-1","title":"t","type":"security","status":"stable","severity":"high","notes":"n","date_stable":"2023-02-02 02:02:02","release":{"name":"F36","version":"36","id_prefix":"FEDORA"},"builds":[{"nvr":"httpd-2.4.55-1.fc36","epoch":0}],"bugs":[{"bug_id":1,"title":"CVE-2024-1001 x","security":true}]}"#,
    ),
    file(
        "ubuntu-vex",
        "vex/cve/2024/CVE-2024-1001.json",
        r#"{"@context":"https://openvex.dev/ns/v0.2.0","@id":"x","timestamp":"2024-01-01T00:00:00Z","statements":[{"vulnerability":{"@id":"x","name":"CVE-2024-1001"},"timestamp":"2024-01-01T00:00:00Z","products":[{"@id":"pkg:deb/ubuntu/curl@7.81.0-1?arch=source&distro=jammy"},{"@id":"pkg:deb/ubuntu/curl@7.47?distro=esm-infra/xenial"}],"status":"not_affected","justification":"vulnerable_code_not_present"}]}"#,
    ),
    file(
        "ubuntu-tracker",
        "active/CVE-2024-1001",
        "Candidate: CVE-2024-1001\nPublicDate: 2024-01-01 00:00:00 UTC\nReferences:\n https://x\nDescription:\n d\n more\nPriority: high\nPatches_curl:\nupstream_curl: released (8.0)\njammy_curl: released (7.81.0-1ubuntu1.1)\ntrusty/esm_curl: needed\nfocal_curl: not-affected (code not present)\nxenial_curl: ignored (end of life)\n",
    ),
    file(
        "nvd",
        "nvdcve-2.0-2024.json",
        r#"{"resultsPerPage":1,"format":"NVD_CVE","version":"2.0","vulnerabilities":[{"cve":{"id":"CVE-2024-1001","published":"2024-01-01T00:00:00.000","lastModified":"2024-02-01T00:00:00.000","vulnStatus":"Analyzed","descriptions":[{"lang":"en","value":"d"}],"metrics":{"cvssMetricV31":[{"source":"nvd@nist.gov","type":"Primary","cvssData":{"version":"3.1","vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H","baseScore":10.0,"baseSeverity":"CRITICAL"}}],"cvssMetricV2":[{"type":"Secondary","cvssData":{"vectorString":"AV:N/AC:L/Au:N/C:P/I:P/A:P"}}]},"weaknesses":[{"type":"Primary","description":[{"lang":"en","value":"CWE-79"}]}],"references":[{"url":"https://x"}]}}]}"#,
    ),
    file(
        "nvd",
        "nvdcve-1.1-2024.json",
        r#"{"CVE_Items":[{"cve":{"CVE_data_meta":{"ID":"CVE-2024-1001"},"problemtype":{"problemtype_data":[{"description":[{"lang":"en","value":"CWE-79"}]}]},"description":{"description_data":[{"lang":"en","value":"d"}]}},"impact":{"baseMetricV3":{"cvssV3":{"vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H"}}},"publishedDate":"2024-01-01T00:00Z"}]}"#,
    ),
    file(
        "cve-records",
        "cves/2024/0xxx/CVE-2024-1001.json",
        r#"{"dataType":"CVE_RECORD","dataVersion":"5.0","cveMetadata":{"cveId":"CVE-2024-1001","state":"PUBLISHED","datePublished":"2024-01-01T00:00:00.000Z","dateUpdated":"2024-02-01T00:00:00Z","assignerShortName":"GitHub_M"},"containers":{"cna":{"title":"t","descriptions":[{"lang":"en","value":"d"}],"problemTypes":[{"descriptions":[{"cweId":"CWE-200","lang":"en"}]}],"metrics":[{"cvssV3_1":{"vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H","baseSeverity":"CRITICAL"}}],"references":[{"url":"https://x"}]},"adp":[{"metrics":[{"other":{"type":"ssvc","content":{"options":[{"Exploitation":"poc"}]}}}]}]}}"#,
    ),
    file(
        "exploitdb",
        "files_exploits.csv",
        "id,file,description,codes\n1,a.py,\"x, \"\"y\"\"\",CVE-2024-1001;CVE-2017-7244\n2,b.py,z,OSVDB-1\n",
    ),
    file("exploitdb", "cveid.txt", "CVE-1999-0016\nCVE-2024-1001\n"),
    file(
        "retirejs",
        "repository/jsrepository-v5.json",
        r#"{"jquery":{"npmname":"jquery","vulnerabilities":[{"atOrAbove":"1.0","below":"1.6.3","severity":"medium","cwe":["CWE-79"],"identifiers":{"summary":"s","CVE":["CVE-2024-1001"],"githubID":"GHSA-1"},"info":["https://x"]},{"ranges":[{"below":"2"}],"identifiers":{"issue":"1"}}],"extractors":{}}}"#,
    ),
];

const ORACLE_OVAL: &str = r##"<oval_definitions><generator><timestamp>2024-01-01T00:00:00</timestamp></generator><definitions><definition class="patch" id="oval:x:def:1" version="1"><metadata><title>ELSA-2024-0001: curl</title><affected family="unix"><platform>Oracle Linux 8</platform></affected><reference ref_id="ELSA-2024-0001" ref_url="https://x" source="elsa"/><description>d</description><advisory from="x"><severity>Important</severity><issued date="2024-01-01"/><updated date="2024-01-02"/><cve cvss3="7.5/CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H" impact="high">CVE-2024-1001</cve></advisory></metadata><criteria operator="AND"><criterion test_ref="t1" comment="Oracle Linux 8 is installed"/><criteria operator="OR"><criterion test_ref="t2" comment="curl is earlier than 0:7.1-1.el8"/></criteria></criteria></definition></definitions><tests><rpminfo_test id="t1" check="at least one"><object object_ref="o1"/><state state_ref="s1"/></rpminfo_test><rpminfo_test id="t2"><object object_ref="o2"/><state state_ref="s2"/></rpminfo_test></tests><objects><rpminfo_object id="o1"><name>sles-release</name></rpminfo_object><rpminfo_object id="o2"><name>curl</name></rpminfo_object></objects><states><rpminfo_state id="s1"><version operation="equals">15</version></rpminfo_state><rpminfo_state id="s2"><arch operation="pattern match">x86_64</arch><evr datatype="evr_string" operation="less than">0:7.1-1.el8</evr></rpminfo_state></states></oval_definitions>"##;

const SUSE_OVAL: &str = r##"<oval_definitions><generator><timestamp>2024-01-01T00:00:00</timestamp></generator><definitions><definition class="patch" id="oval:x:def:1" version="1"><metadata><title>CVE-2024-1001</title><affected family="unix"><platform>SUSE Linux Enterprise Server 15</platform></affected><reference ref_id="CVE-2024-1001" ref_url="https://x" source="CVE"/><description>d</description><advisory from="x"><severity>Important</severity><issued date="2024-01-01"/><updated date="2024-01-02"/><cve cvss3="7.5/CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H" impact="high">CVE-2024-1001</cve></advisory></metadata><criteria operator="AND"><criterion test_ref="t1" comment="SUSE Linux Enterprise Server 15 is installed"/><criteria operator="OR"><criterion test_ref="t2" comment="curl is earlier than 0:7.1-1.el8"/></criteria></criteria></definition></definitions><tests><rpminfo_test id="t1" check="at least one"><object object_ref="o1"/><state state_ref="s1"/></rpminfo_test><rpminfo_test id="t2"><object object_ref="o2"/><state state_ref="s2"/></rpminfo_test></tests><objects><rpminfo_object id="o1"><name>sles-release</name></rpminfo_object><rpminfo_object id="o2"><name>curl</name></rpminfo_object></objects><states><rpminfo_state id="s1"><version operation="equals">15</version></rpminfo_state><rpminfo_state id="s2"><arch operation="pattern match">x86_64</arch><evr datatype="evr_string" operation="less than">0:7.1-1.el8</evr></rpminfo_state></states></oval_definitions>"##;

const PHOTON_OVAL: &str = r##"<oval_definitions><generator><timestamp>2024-01-01T00:00:00</timestamp></generator><definitions><definition class="patch" id="oval:x:def:1" version="1"><metadata><title>PHSA-2024-3.0-0001</title><affected family="unix"><platform>Photon OS 3.0</platform></affected><reference ref_id="CVE-2024-1001" ref_url="https://x" source="CVE"/><description>d</description><advisory from="x"><severity>Important</severity><issued date="2024-01-01"/><updated date="2024-01-02"/><cve cvss3="7.5/CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H" impact="high">CVE-2024-1001</cve></advisory></metadata><criteria operator="AND"><criterion test_ref="t1" comment="Photon OS 3.0 is installed"/><criteria operator="OR"><criterion test_ref="t2" comment="curl is earlier than 0:7.1-1.el8"/></criteria></criteria></definition></definitions><tests><rpminfo_test id="t1" check="at least one"><object object_ref="o1"/><state state_ref="s1"/></rpminfo_test><rpminfo_test id="t2"><object object_ref="o2"/><state state_ref="s2"/></rpminfo_test></tests><objects><rpminfo_object id="o1"><name>sles-release</name></rpminfo_object><rpminfo_object id="o2"><name>curl</name></rpminfo_object></objects><states><rpminfo_state id="s1"><version operation="equals">15</version></rpminfo_state><rpminfo_state id="s2"><arch operation="pattern match">x86_64</arch><evr datatype="evr_string" operation="less than">0:7.1-1.el8</evr></rpminfo_state></states></oval_definitions>"##;

const AZURE_OVAL: &str = r##"<oval_definitions><generator><timestamp>2024-01-01T00:00:00</timestamp></generator><definitions><definition class="patch" id="oval:x:def:1" version="1"><metadata><title>CVE-2024-1001</title><affected family="unix"><platform>Azure Linux 3.0</platform></affected><reference ref_id="CVE-2024-1001" ref_url="https://x" source="CVE"/><description>d</description><advisory from="x"><severity>Important</severity><issued date="2024-01-01"/><updated date="2024-01-02"/><cve cvss3="7.5/CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H" impact="high">CVE-2024-1001</cve></advisory></metadata><criteria operator="AND"><criterion test_ref="t1" comment="Azure Linux 3.0 is installed"/><criteria operator="OR"><criterion test_ref="t2" comment="curl is earlier than 0:7.1-1.el8"/></criteria></criteria></definition></definitions><tests><rpminfo_test id="t1" check="at least one"><object object_ref="o1"/><state state_ref="s1"/></rpminfo_test><rpminfo_test id="t2"><object object_ref="o2"/><state state_ref="s2"/></rpminfo_test></tests><objects><rpminfo_object id="o1"><name>sles-release</name></rpminfo_object><rpminfo_object id="o2"><name>curl</name></rpminfo_object></objects><states><rpminfo_state id="s1"><version operation="equals">15</version></rpminfo_state><rpminfo_state id="s2"><arch operation="pattern match">x86_64</arch><evr datatype="evr_string" operation="less than">0:7.1-1.el8</evr></rpminfo_state></states></oval_definitions>"##;
