//! `go-app`: a static Go binary on an empty base; nothing but the binary says what is inside.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use serde_json::json;

use super::{Form, Kit, Recipe};
use crate::run::output;
use crate::stage::Stage;

pub(super) const RECIPE: Recipe = Recipe {
    name: "go-app",
    about: "a static Go binary on scratch with golang.org/x/net 0.16.0 (oracle: go version -m)",
    revision: 1,
    needs: &["go", "skopeo"],
    forms: Form::ALL,
    build,
};

const MODULE: &str = "\
module example.com/acme/gateway

go 1.20

require (
	github.com/gorilla/mux v1.8.0
	golang.org/x/crypto v0.16.0
	golang.org/x/net v0.16.0
	google.golang.org/protobuf v1.32.0
)
";

const MAIN: &str = r#"package main

import (
	"fmt"
	"net/http"

	"github.com/gorilla/mux"
	"golang.org/x/crypto/ssh"
	"golang.org/x/net/http2"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func main() {
	server := &http.Server{Addr: ":8080", Handler: mux.NewRouter()}
	_ = http2.ConfigureServer(server, nil)
	fmt.Println(ssh.InsecureIgnoreHostKey() != nil, timestamppb.Now().String() != "")
}
"#;

/// Makes `gateway-amd64` and `gateway-arm64`, and beside each a `.txt`, what `go version -m` says about it.
pub(super) fn binaries(_: &Kit, folder: &Path) -> Result<()> {
    let source = folder.join("source");
    fs::create_dir(&source)?;
    fs::write(source.join("go.mod"), MODULE)?;
    fs::write(source.join("main.go"), MAIN)?;
    let go = || {
        let mut command = Command::new("go");
        command
            .current_dir(&source)
            .env("CGO_ENABLED", "0")
            .env("GOOS", "linux")
            .env("GOFLAGS", "-buildvcs=false");
        command
    };
    output(go().args(["mod", "tidy"]))?;
    for architecture in ["amd64", "arm64"] {
        let binary = folder.join(format!("gateway-{architecture}"));
        let flags = ["build", "-trimpath", "-ldflags", "-s -w", "-o"];
        output(go().env("GOARCH", architecture).args(flags).arg(&binary).arg("."))?;
        let said = output(go().args(["version", "-m"]).arg(format!("../gateway-{architecture}")))?;
        fs::write(folder.join(format!("gateway-{architecture}.txt")), said)?;
    }
    Ok(())
}

fn build(kit: &Kit) -> Result<()> {
    let part = kit.part("go", 1, binaries)?;
    let mut layout = kit.layout()?;
    let mut stage = Stage::scratch(kit, &layout)?;
    stage.copy(&part.join("gateway-amd64"), "gateway")?;
    stage.commit("COPY /out/gateway /gateway # buildkit")?;
    stage.meta("ENTRYPOINT [\"/gateway\"]");
    stage.config("Entrypoint", json!(["/gateway"]));
    stage.config("User", json!("65532:65532"));
    kit.oracle("go.txt", fs::read(part.join("gateway-amd64.txt"))?)?;
    let image = stage.finish()?;
    layout.tag(image, "latest");
    layout.finish()
}
