//! A development server or debugger is started.

use crate::check::Check;
use crate::check::image::{ImageCheck, Places, Seen};
use assay_model::Severity;

pub(super) const CHECK: ImageCheck = ImageCheck {
    check: Check {
        id: "image-debug-server",
        aliases: &[],
        title: "a development server or debugger is started",
        severity: Severity::Medium,
        why: "It runs what visitors send, or shows them what is inside.",
        fix: "start the service as its documentation says for production",
        reference: "",
    },
    find,
};

fn find(seen: &Seen<'_>, places: &mut Places) {
    let config = &seen.image.config;
    let words: Vec<&str> =
        config.entrypoint.iter().chain(&config.command).flat_map(|word| word.split(' ')).collect();
    let has = |word: &str| words.contains(&word);
    let starts = |start: &str| words.iter().any(|word| word.starts_with(start));
    let what = if starts("--inspect") || starts("-agentlib:jdwp") || starts("-Xrunjdwp") || has("debugpy") {
        Some("a debugger")
    } else if (has("flask") && has("--debug"))
        || (starts("manage.py") && has("runserver"))
        || (has("php") && has("-S"))
        || has("artisan") && has("serve")
    {
        Some("a development server")
    } else {
        None
    };
    if let Some(what) = what {
        places.config("/config/Cmd", what);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::image::testing::*;

    #[test]
    fn by_the_command() {
        let command = |text: &'static str| {
            move |image: &mut assay_model::Image| {
                image.config.command = text.split(' ').map(str::to_owned).collect();
            }
        };
        check(&CHECK, command("python manage.py runserver 0.0.0.0:80"), 1);
        check(&CHECK, command("node --inspect=0.0.0.0 app.js"), 1);
        check(&CHECK, command("gunicorn app"), 0);
    }
}
