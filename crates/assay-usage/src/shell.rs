//! A POSIX shell's words and commands, as far as they say which programs are run
//! (<https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html>).
//!
//! This is no shell: both branches of an `if` count, loops count once, and a variable is known only if it is set to one and the same
//! literal everywhere. Words that stay computed keep their `$`. It is total: unbalanced quotes end with the text, and nesting
//! beyond [`MAX_DEPTH`] makes the rest computed.

use std::collections::{BTreeMap, BTreeSet};

/// Substitutions within substitutions; scripts have two or three.
const MAX_DEPTH: usize = 16;

/// Commands kept of one script; `configure` scripts have tens of thousands, and nobody starts an image with them.
pub(crate) const MAX_COMMANDS: usize = 20_000;

/// Search paths kept of one script.
const MAX_PATHS: usize = 64;

/// What a script does, as its text says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Script {
    /// Commands in their order, without assignments and redirections; computed words have a `$`.
    pub(crate) commands: Vec<Vec<String>>,
    /// Functions it defines.
    pub(crate) functions: BTreeSet<String>,
    /// Variables with the one literal they are set to, `None` when they are set to several or to what is computed.
    pub(crate) variables: BTreeMap<String, Option<String>>,
    /// What it sets search paths of programs and libraries to, as written.
    pub(crate) paths: Vec<(String, String)>,
    /// Whether something was left out.
    pub(crate) cut: bool,
}

/// Reads a script.
pub(crate) fn parse(text: &str) -> Script {
    let mut script = Script::default();
    parse_into(text, 0, &mut script);
    // A variable that is set once is its value: `BIN=/usr/sbin/nginx; exec "$BIN"`.
    let known = std::mem::take(&mut script.variables);
    for word in script.commands.iter_mut().flatten() {
        if let Some(name) = whole_variable(word)
            && let Some(Some(value)) = known.get(name)
        {
            value.clone_into(word);
        }
    }
    script.variables = known;
    script
}

/// Returns the name when a word is nothing but a variable: `$NAME`, `${NAME}`, `${NAME:-default}`.
fn whole_variable(word: &str) -> Option<&str> {
    let rest = word.strip_prefix('$')?;
    let name = match rest.strip_prefix('{') {
        Some(rest) => rest.strip_suffix('}')?.split(":-").next()?,
        None => rest,
    };
    let starts = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    (starts && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')).then_some(name)
}

/// One token.
enum Token {
    Word {
        text: String,
        quoted: bool,
    },
    /// An operator that ends a command.
    End,
    /// `(`: begins a subshell, or, after a name, a function.
    Open,
    /// `)`: ends a subshell or a pattern of `case`.
    Close,
    /// `;;` ends a branch of `case`.
    Branch,
    /// A redirection; the word after it is a file.
    Redirect,
}

fn parse_into(text: &str, depth: usize, script: &mut Script) {
    if depth > MAX_DEPTH {
        script.cut = true;
        script.commands.push(vec!["$".to_owned()]);
        return;
    }
    let mut lexer = Lexer { rest: text, heredocs: Vec::new(), inner: Vec::new() };
    let mut words: Vec<String> = Vec::new();
    let mut first_quoted = false;
    let (mut skip, mut cases, mut pattern) = (false, 0_usize, false);
    while let Some(token) = lexer.next_token() {
        for inner in std::mem::take(&mut lexer.inner) {
            parse_into(&inner, depth + 1, script);
        }
        match token {
            Token::Word { .. } if skip => skip = false,
            Token::Word { text, quoted } => {
                if pattern {
                    // `case x in a|b)`: patterns are no commands; `esac` ends them.
                    if !quoted && text == "esac" {
                        cases = cases.saturating_sub(1);
                        pattern = false;
                    }
                    continue;
                }
                if words.is_empty() && !quoted {
                    match text.as_str() {
                        "if" | "then" | "elif" | "else" | "fi" | "do" | "done" | "while" | "until" | "!"
                        | "{" | "}" | "time" | "coproc" => continue,
                        "esac" => {
                            cases = cases.saturating_sub(1);
                            continue;
                        }
                        _ => {}
                    }
                    if let Some((name, value)) = assignment(&text) {
                        script.assign(name, value);
                        continue;
                    }
                }
                if words.is_empty() {
                    first_quoted = quoted;
                }
                words.push(text);
                if words.len() >= 3
                    && words.first().is_some_and(|word| word == "case")
                    && !first_quoted
                    && words.last().is_some_and(|word| word == "in")
                {
                    words.clear();
                    cases += 1;
                    pattern = true;
                }
            }
            Token::Redirect => skip = true,
            Token::Close if pattern => pattern = false,
            Token::Open if pattern => {}
            Token::End if pattern => {}
            Token::Open => {
                // `name ()` defines a function; what follows is its body.
                if let [name] = words.as_slice() {
                    script.functions.insert(name.clone());
                    words.clear();
                } else {
                    script.end(&mut words);
                }
            }
            Token::Branch => {
                script.end(&mut words);
                pattern = cases > 0;
            }
            Token::End | Token::Close => {
                skip = false;
                script.end(&mut words);
            }
        }
    }
    for inner in std::mem::take(&mut lexer.inner) {
        parse_into(&inner, depth + 1, script);
    }
    script.end(&mut words);
}

fn assignment(word: &str) -> Option<(&str, &str)> {
    let (name, value) = word.split_once('=')?;
    let name = name.strip_suffix('+').unwrap_or(name);
    let starts = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    (starts && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')).then_some((name, value))
}

impl Script {
    fn assign(&mut self, name: &str, value: &str) {
        if matches!(name, "PATH" | "LD_LIBRARY_PATH" | "LD_PRELOAD") && self.paths.len() < MAX_PATHS {
            self.paths.push((name.to_owned(), value.to_owned()));
        }
        let literal = (!value.contains(['$', '`']) && !value.is_empty()).then(|| value.to_owned());
        self.variables
            .entry(name.to_owned())
            .and_modify(|known| {
                if *known != literal {
                    *known = None;
                }
            })
            .or_insert(literal);
    }

    fn end(&mut self, words: &mut Vec<String>) {
        let mut command = std::mem::take(words);
        match command.first().map(String::as_str) {
            None => return,
            Some("function") => {
                self.functions.extend(command.get(1).cloned());
                return;
            }
            Some("for" | "select") => {
                if let Some(name) = command.get(1) {
                    self.variables.insert(name.clone(), None);
                }
                return;
            }
            Some("read" | "getopts" | "mapfile" | "readarray") => {
                for name in command.iter().skip(1) {
                    self.variables.insert(name.clone(), None);
                }
                return;
            }
            Some("export" | "readonly" | "local" | "declare" | "typeset") => {
                for word in command.iter().skip(1) {
                    if let Some((name, value)) = assignment(word) {
                        self.assign(name, value);
                    }
                }
                return;
            }
            Some("in") => return,
            Some(_) => {}
        }
        // What stands before the first `$` of a command's later words is not needed; its length is bounded all the same.
        command.truncate(256);
        if self.commands.len() < MAX_COMMANDS {
            self.commands.push(command);
        } else {
            self.cut = true;
        }
    }
}

struct Lexer<'a> {
    rest: &'a str,
    /// Words that end here-documents which begin after this line; and whether tabs before them count.
    heredocs: Vec<(String, bool)>,
    /// The text of substitutions met on the way.
    inner: Vec<String>,
}

impl Lexer<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let next = chars.next()?;
        self.rest = chars.as_str();
        Some(next)
    }

    fn eat(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn next_token(&mut self) -> Option<Token> {
        loop {
            match self.peek()? {
                ' ' | '\t' | '\r' => {
                    self.bump();
                }
                '\\' if self.rest.starts_with("\\\n") => {
                    self.eat("\\\n");
                }
                '#' => {
                    let end = self.rest.find('\n').unwrap_or(self.rest.len());
                    self.rest = self.rest.get(end..).unwrap_or_default();
                }
                '\n' => {
                    self.bump();
                    self.skip_heredocs();
                    return Some(Token::End);
                }
                ';' => {
                    self.bump();
                    if self.eat(";&") || self.eat(";") || self.eat("&") {
                        return Some(Token::Branch);
                    }
                    return Some(Token::End);
                }
                '&' => {
                    self.bump();
                    if self.eat(">>") || self.eat(">") {
                        return Some(Token::Redirect);
                    }
                    self.eat("&");
                    return Some(Token::End);
                }
                '|' => {
                    self.bump();
                    let _ = self.eat("|") || self.eat("&");
                    return Some(Token::End);
                }
                '(' => {
                    self.bump();
                    if self.eat("(") {
                        // `((…))` computes; a subshell in a subshell is rare and found when the first `)` is met.
                        self.skip_arithmetic();
                        return Some(Token::End);
                    }
                    return Some(Token::Open);
                }
                ')' => {
                    self.bump();
                    return Some(Token::Close);
                }
                '<' | '>' => {
                    if self.eat("<<<") {
                        return Some(Token::Redirect);
                    }
                    if self.eat("<<") {
                        let tabs = self.eat("-");
                        while self.eat(" ") || self.eat("\t") {}
                        let (word, _) = self.word();
                        self.heredocs.push((word, tabs));
                        continue;
                    }
                    if self.eat("<(") || self.eat(">(") {
                        let text = self.until_close();
                        self.inner.push(text);
                        continue;
                    }
                    self.bump();
                    let _ = self.eat(">") || self.eat("&") || self.eat("|") || self.eat(">");
                    // `2>&1` and `>&-`: the descriptor is a word like a file's name.
                    return Some(Token::Redirect);
                }
                _ => {
                    let (text, quoted) = self.word();
                    // A number before a redirection is a descriptor.
                    if !quoted
                        && !text.is_empty()
                        && text.bytes().all(|byte| byte.is_ascii_digit())
                        && matches!(self.peek(), Some('<' | '>'))
                    {
                        continue;
                    }
                    return Some(Token::Word { text, quoted });
                }
            }
        }
    }

    /// Reads a word; returns it without its quotes, and whether it had any.
    fn word(&mut self) -> (String, bool) {
        let mut out = String::new();
        let mut quoted = false;
        while let Some(next) = self.peek() {
            match next {
                ' ' | '\t' | '\r' | '\n' | ';' | '&' | '|' | '(' | ')' | '<' | '>' => break,
                '\'' => {
                    quoted = true;
                    self.bump();
                    let end = self.rest.find('\'').unwrap_or(self.rest.len());
                    out.push_str(self.rest.get(..end).unwrap_or_default());
                    self.rest = self.rest.get(end..).unwrap_or_default();
                    self.bump();
                }
                '"' => {
                    quoted = true;
                    self.bump();
                    self.double_quoted(&mut out);
                }
                '\\' => {
                    self.bump();
                    match self.bump() {
                        Some('\n') | None => {}
                        Some(escaped) => {
                            quoted = true;
                            out.push(escaped);
                        }
                    }
                }
                '$' | '`' => self.substitution(&mut out),
                _ => {
                    self.bump();
                    out.push(next);
                }
            }
        }
        (out, quoted)
    }

    fn double_quoted(&mut self, out: &mut String) {
        while let Some(next) = self.peek() {
            match next {
                '"' => {
                    self.bump();
                    return;
                }
                '\\' => {
                    self.bump();
                    match self.bump() {
                        Some(escaped @ ('"' | '\\' | '`' | '$')) => out.push(escaped),
                        Some('\n') | None => {}
                        Some(other) => {
                            out.push('\\');
                            out.push(other);
                        }
                    }
                }
                '$' | '`' => self.substitution(out),
                _ => {
                    self.bump();
                    out.push(next);
                }
            }
        }
    }

    /// Reads `$…` or a back-quoted command; what stays in the word begins with `$`.
    fn substitution(&mut self, out: &mut String) {
        out.push('$');
        if self.eat("`") {
            let end = self.rest.find('`').unwrap_or(self.rest.len());
            self.inner.push(self.rest.get(..end).unwrap_or_default().replace("\\`", "`"));
            self.rest = self.rest.get(end..).unwrap_or_default();
            self.bump();
            return;
        }
        self.bump();
        if self.eat("((") {
            self.skip_arithmetic();
        } else if self.eat("(") {
            let text = self.until_close();
            self.inner.push(text);
        } else if self.eat("{") {
            let end = self.closing_brace();
            let text = self.rest.get(..end).unwrap_or_default();
            if text.contains("$(") || text.contains('`') {
                self.inner.push(
                    text.get(text.find(['$', '`']).unwrap_or_default()..).unwrap_or_default().to_owned(),
                );
            }
            out.push('{');
            out.push_str(text);
            out.push('}');
            self.rest = self.rest.get(end..).unwrap_or_default();
            self.bump();
        } else if self.peek().is_some_and(|next| "@*#?$!-0123456789".contains(next)) {
            out.extend(self.bump());
        } else {
            while let Some(next) = self.peek().filter(|next| next.is_ascii_alphanumeric() || *next == '_') {
                out.push(next);
                self.bump();
            }
        }
    }

    fn closing_brace(&self) -> usize {
        let mut depth = 0_usize;
        for (at, next) in self.rest.char_indices() {
            match next {
                '{' => depth += 1,
                '}' if depth == 0 => return at,
                '}' => depth -= 1,
                _ => {}
            }
        }
        self.rest.len()
    }

    /// Takes the text up to the `)` that closes a `$(`, quotes and nested parentheses respected.
    fn until_close(&mut self) -> String {
        let start = self.rest;
        let mut depth = 0_usize;
        while let Some(next) = self.bump() {
            match next {
                '\\' => {
                    self.bump();
                }
                '\'' => {
                    let end = self.rest.find('\'').unwrap_or(self.rest.len());
                    self.rest = self.rest.get(end..).unwrap_or_default();
                    self.bump();
                }
                '(' => depth += 1,
                ')' if depth == 0 => break,
                ')' => depth -= 1,
                _ => {}
            }
        }
        let taken = start.len() - self.rest.len();
        let text = start.get(..taken).unwrap_or_default();
        text.strip_suffix(')').unwrap_or(text).to_owned()
    }

    fn skip_arithmetic(&mut self) {
        let end = self.rest.find("))").map_or(self.rest.len(), |at| at + 2);
        self.rest = self.rest.get(end..).unwrap_or_default();
    }

    /// Passes over the here-documents that begin on the line just ended.
    fn skip_heredocs(&mut self) {
        for (end, tabs) in std::mem::take(&mut self.heredocs) {
            while !self.rest.is_empty() {
                let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
                self.rest = rest;
                let shown = if tabs { line.trim_start_matches('\t') } else { line };
                if shown == end {
                    break;
                }
                // A command in a here-document is run, too.
                if let Some(at) = line.find("$(") {
                    let mut inner = Lexer {
                        rest: line.get(at + 2..).unwrap_or_default(),
                        heredocs: Vec::new(),
                        inner: Vec::new(),
                    };
                    self.inner.push(inner.until_close());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, want: &[&str]) {
        let script = parse(text);
        let got: Vec<String> = script.commands.iter().map(|words| words.join(" ")).collect();
        assert_eq!(got, want, "{text}");
    }

    #[test]
    fn commands_are_found() {
        check("a b; c && d || e | f & g", &["a b", "c", "d", "e", "f", "g"]);
        check(
            "# no\nif [ -f x ]; then run 'it now'; else \"/bin/o ther\"; fi",
            &["[ -f x ]", "run it now", "/bin/o ther"],
        );
        check("A=1 B=2 prog --x=$A >out 2>&1 <in", &["prog --x=$A"]);
        check("for f in a b; do rm \"$f\"; done", &["rm $f"]);
        check("while read x; do :; done", &[":"]);
        check("case $1 in start|-x) go ;; *) stop;; esac; end", &["go", "stop", "end"]);
        check("case \"$1\" in\n  (a)\n    one\n    ;;\n  b) two\nesac\nthree", &["one", "two", "three"]);
        check("f() { inner; }\nf x", &["inner", "f x"]);
        check("x=$(which java) && exec $x -jar a.jar", &["which java", "exec $x -jar a.jar"]);
        check(
            "echo `uname -m` $(cat \"$(dirname $0)/v\")",
            &["uname -m", "dirname $0", "cat $/v", "echo $ $"],
        );
        check("cat <<EOF >f\nnot a command $(but this)\nEOF\nnext", &["but this", "cat", "next"]);
        check("( cd /x && tar c . ) | ( tar x )", &["cd /x", "tar c .", "tar x"]);
        check("a \\\n  b", &["a b"]);
        check("diff <(sort a) b", &["sort a", "diff b"]);
    }

    #[test]
    fn what_is_set_once_is_known() {
        check("BIN=/usr/sbin/nginx\nexec \"$BIN\" -g x", &["exec /usr/sbin/nginx -g x"]);
        check("exec ${BIN:-/bin/x}", &["exec ${BIN:-/bin/x}"]);
        check("B=a; B=b; $B", &["$B"]);
        check("export P=/opt/x; $P/run; ${P}", &["$P/run", "/opt/x"]);
        let script = parse("function g { x; }\nh() (y)\n");
        assert_eq!(script.functions.iter().collect::<Vec<_>>(), ["g", "h"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_text_is_survived(text in "([a-z $`'\"(){}<>|&;=#\\\\\n]|case|esac|in|\\$\\(|<<E){0,80}") {
            parse(&text);
        }
    }

    #[test]
    fn deep_nesting_ends() {
        assert!(parse(&"$(".repeat(5000)).cut);
        parse(&"`".repeat(5000));
        parse(&"${".repeat(5000));
    }
}
