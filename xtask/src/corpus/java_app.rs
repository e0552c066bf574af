//! `java-app`: a Spring Boot fat jar (jars inside a jar) and a shaded jar (classes of many artifacts in one jar).
//!
//! Both are made by the Maven plug-ins people use. Spring Boot 2.6.5 brings Spring 5.3.17; log4j is set back to
//! 2.14.1 by the property its parent offers.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use serde_json::json;

use super::{Form, Kit, Recipe};
use crate::run::output;
use crate::stage::{Stage, write};

pub(super) const RECIPE: Recipe = Recipe {
    name: "java-app",
    about: "Debian 12 with a Spring Boot fat jar (log4j-core 2.14.1) and a shaded jar (oracle: mvn dependency:list)",
    revision: 1,
    needs: &["mmdebstrap", "skopeo", "mvn"],
    forms: &[Form::DockerArchive],
    build,
};

const FAT: &str = r#"<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <parent>
    <groupId>org.springframework.boot</groupId>
    <artifactId>spring-boot-starter-parent</artifactId>
    <version>2.6.5</version>
    <relativePath/>
  </parent>
  <groupId>com.acme</groupId>
  <artifactId>orders</artifactId>
  <version>1.8.0</version>
  <properties>
    <java.version>11</java.version>
    <log4j2.version>2.14.1</log4j2.version>
  </properties>
  <dependencies>
    <dependency>
      <groupId>org.springframework.boot</groupId>
      <artifactId>spring-boot-starter-web</artifactId>
      <exclusions>
        <exclusion>
          <groupId>org.springframework.boot</groupId>
          <artifactId>spring-boot-starter-logging</artifactId>
        </exclusion>
      </exclusions>
    </dependency>
    <dependency>
      <groupId>org.springframework.boot</groupId>
      <artifactId>spring-boot-starter-log4j2</artifactId>
    </dependency>
    <dependency>
      <groupId>org.apache.commons</groupId>
      <artifactId>commons-text</artifactId>
      <version>1.9</version>
    </dependency>
  </dependencies>
  <build>
    <plugins>
      <plugin>
        <groupId>org.springframework.boot</groupId>
        <artifactId>spring-boot-maven-plugin</artifactId>
      </plugin>
    </plugins>
  </build>
</project>
"#;

const SHADED: &str = r#"<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>com.acme</groupId>
  <artifactId>report-job</artifactId>
  <version>0.3.1</version>
  <properties>
    <maven.compiler.release>11</maven.compiler.release>
    <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>
  </properties>
  <dependencies>
    <dependency>
      <groupId>com.fasterxml.jackson.core</groupId>
      <artifactId>jackson-databind</artifactId>
      <version>2.9.8</version>
    </dependency>
    <dependency>
      <groupId>commons-collections</groupId>
      <artifactId>commons-collections</artifactId>
      <version>3.2.1</version>
    </dependency>
    <dependency>
      <groupId>com.google.guava</groupId>
      <artifactId>guava</artifactId>
      <version>29.0-jre</version>
    </dependency>
  </dependencies>
  <build>
    <plugins>
      <plugin>
        <groupId>org.apache.maven.plugins</groupId>
        <artifactId>maven-compiler-plugin</artifactId>
        <version>3.8.1</version>
      </plugin>
      <plugin>
        <groupId>org.apache.maven.plugins</groupId>
        <artifactId>maven-shade-plugin</artifactId>
        <version>3.2.4</version>
        <executions>
          <execution>
            <phase>package</phase>
            <goals><goal>shade</goal></goals>
          </execution>
        </executions>
      </plugin>
    </plugins>
  </build>
</project>
"#;

const MAIN: &str = "\
package com.acme;

public final class Main {
    public static void main(String[] arguments) {
        System.out.println(\"ready\");
    }
}
";

/// Makes `orders.jar` and `report-job.jar`, and beside each a `.txt`, what Maven says went into it.
pub(super) fn jars(_: &Kit, folder: &Path) -> Result<()> {
    for (name, version, project) in [("orders", "1.8.0", FAT), ("report-job", "0.3.1", SHADED)] {
        let source = folder.join(name);
        write(&source, "pom.xml", project)?;
        write(&source, "src/main/java/com/acme/Main.java", MAIN)?;
        let maven = || {
            let mut command = Command::new("mvn");
            command.current_dir(&source).args(["-q", "-B", "-Dstyle.color=never"]);
            command
        };
        output(maven().args(["package", "-Dproject.build.outputTimestamp=2024-02-01T00:00:00Z"]))?;
        fs::rename(source.join(format!("target/{name}-{version}.jar")), folder.join(format!("{name}.jar")))?;
        let list = ["dependency:list", "-DincludeScope=runtime", "-Dsort=true", "-DoutputFile=list.txt"];
        output(maven().args(list))?;
        let said = fs::read_to_string(source.join("list.txt"))?;
        // `group:artifact:jar:version:scope -- module …`; the rest of the lines is prose.
        let mut lines = vec![format!("com.acme:{name}:jar:{version}:self")];
        let words = said.lines().filter_map(|line| line.split_whitespace().next());
        lines.extend(words.filter(|word| word.matches(':').count() >= 4).map(str::to_owned));
        fs::write(folder.join(format!("{name}.txt")), format!("{}\n", lines.join("\n")))?;
    }
    Ok(())
}

fn build(kit: &Kit) -> Result<()> {
    let part = kit.part("java", 1, jars)?;
    let mut layout = kit.layout()?;
    let mut stage = Stage::debian(kit, &layout)?;
    stage.meta("ARG JAR_FILE=target/orders-1.8.0.jar");
    stage.copy(&part.join("orders.jar"), "app/orders.jar")?;
    stage.commit("COPY target/orders-1.8.0.jar /app/orders.jar # buildkit")?;
    stage.copy(&part.join("report-job.jar"), "opt/jobs/report-job-0.3.1.jar")?;
    stage.commit("COPY target/report-job-0.3.1.jar /opt/jobs/ # buildkit")?;
    stage.meta("ENTRYPOINT [\"java\" \"-jar\" \"/app/orders.jar\"]");
    stage.config("Entrypoint", json!(["java", "-jar", "/app/orders.jar"]));
    stage.dpkg_oracle()?;
    kit.oracle("maven-fat.txt", fs::read(part.join("orders.txt"))?)?;
    kit.oracle("maven-shaded.txt", fs::read(part.join("report-job.txt"))?)?;
    let image = stage.finish()?;
    layout.tag(image, "latest");
    layout.finish()
}
