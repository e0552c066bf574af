//! `node-app`: a Node service with a few hundred transitive packages, its lockfile and its `node_modules`.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use serde_json::json;

use super::{Form, Kit, Recipe};
use crate::run::output;
use crate::stage::Stage;

pub(super) const RECIPE: Recipe = Recipe {
    name: "node-app",
    about: "Debian 12 with a Node service: lodash 4.17.20, minimist 1.2.5, node-fetch 2.6.6 (oracle: dpkg, npm ls)",
    revision: 1,
    needs: &["mmdebstrap", "skopeo", "npm"],
    forms: &[Form::DockerArchive],
    build,
};

const MANIFEST: &str = r#"{
  "name": "shop-front",
  "version": "1.4.2",
  "private": true,
  "license": "MIT",
  "dependencies": {
    "@babel/core": "7.16.0",
    "axios": "0.21.1",
    "express": "4.17.1",
    "handlebars": "4.7.6",
    "jsonwebtoken": "8.5.1",
    "lodash": "4.17.20",
    "minimist": "1.2.5",
    "moment": "2.29.1",
    "node-fetch": "2.6.6",
    "react": "17.0.2",
    "react-dom": "17.0.2",
    "sequelize": "6.11.0",
    "socket.io": "4.4.0",
    "webpack": "5.64.0",
    "ws": "7.4.5"
  },
  "devDependencies": {
    "mocha": "9.1.3"
  }
}
"#;

/// Makes the application's folder `app/` with `node_modules`, and `npm.json`, what npm says about it.
pub(super) fn tree(_: &Kit, folder: &Path) -> Result<()> {
    let app = folder.join("app");
    fs::create_dir(&app)?;
    fs::write(app.join("package.json"), MANIFEST)?;
    fs::write(app.join("server.js"), "require('express')().listen(8080)\n")?;
    let npm = |arguments: &[&str]| {
        let mut command = Command::new("npm");
        command.current_dir(&app).args(arguments).args(["--no-audit", "--no-fund"]);
        output(command.env("npm_config_loglevel", "error"))
    };
    npm(&["install", "--package-lock-only"])?;
    npm(&["ci", "--ignore-scripts", "--omit=dev"])?;
    fs::write(folder.join("npm.json"), npm(&["ls", "--all", "--json", "--omit=dev"])?)?;
    fs::write(folder.join("npm-lock.json"), npm(&["ls", "--all", "--json", "--package-lock-only"])?)?;
    Ok(())
}

fn build(kit: &Kit) -> Result<()> {
    let part = kit.part("node", 1, tree)?;
    let mut layout = kit.layout()?;
    let mut stage = Stage::debian(kit, &layout)?;
    stage.run(
        "apt-get update && apt-get install -y --no-install-recommends nodejs && rm -rf /var/lib/apt/lists/*",
    )?;
    stage.meta("WORKDIR /srv/shop-front");
    for name in ["package.json", "package-lock.json"] {
        stage.copy(&part.join("app").join(name), &format!("srv/shop-front/{name}"))?;
    }
    stage.commit("COPY package.json package-lock.json ./ # buildkit")?;
    stage.copy(&part.join("app/node_modules"), "srv/shop-front/node_modules")?;
    stage.commit("RUN /bin/sh -c npm ci --ignore-scripts --omit=dev # buildkit")?;
    stage.copy(&part.join("app/server.js"), "srv/shop-front/server.js")?;
    stage.commit("COPY server.js ./ # buildkit")?;
    stage.meta("USER node");
    stage.meta("CMD [\"node\" \"server.js\"]");
    stage.config("WorkingDir", json!("/srv/shop-front"));
    stage.config("User", json!("node"));
    stage.config("Cmd", json!(["node", "server.js"]));
    stage.dpkg_oracle()?;
    kit.oracle("npm.json", fs::read(part.join("npm.json"))?)?;
    kit.oracle("npm-lock.json", fs::read(part.join("npm-lock.json"))?)?;
    let image = stage.finish()?;
    layout.tag(image, "latest");
    layout.finish()
}
