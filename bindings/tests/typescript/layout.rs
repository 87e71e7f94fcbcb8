//! Generated TypeScript as a person would write it: one field a line, one-line comments, no Rust in the words.

/// Lays out one declaration.
pub(crate) fn laid_out(code: &str) -> String {
    let mut text = Layout::default();
    let mut rest = code;
    while let Some(next) = rest.chars().next() {
        if let Some((comment, after)) = rest.strip_prefix("/**").and_then(|inside| inside.split_once("*/")) {
            text.comment(comment);
            rest = after;
        } else {
            text.push(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    text.out
}

/// A JSDoc comment that says what this documentation says, without its Rust examples and links.
pub(crate) fn comment(docs: &str, indent: &str) -> String {
    let docs = docs.trim().trim_start_matches("/**").trim_end_matches("*/");
    let lines: Vec<_> = docs
        .lines()
        .map(|line| line.trim().trim_start_matches('*').trim())
        .take_while(|line| !line.starts_with('#'))
        .map(without_links)
        .collect();
    let text = lines.join("\n");
    match text.trim() {
        "" => String::new(),
        text if !text.contains('\n') => format!("{indent}/** {text} */\n"),
        text => {
            let lines = text.lines().map(|line| format!("{indent} * {line}").trim_end().to_owned() + "\n");
            format!("{indent}/**\n{}{indent} */\n", lines.collect::<String>())
        }
    }
}

/// ``[`Goal`](crate::Goal)`` as `` `Goal` ``.
fn without_links(line: &str) -> String {
    let mut parts = line.split("[`");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let (name, after) = part.split_once("`]").unwrap_or((part, ""));
        let after = match after.strip_prefix('(').and_then(|target| target.split_once(')')) {
            Some((_, after)) => after,
            None => after,
        };
        format!("{text}`{name}`{after}")
    })
}

#[derive(Debug, Default)]
struct Layout {
    out: String,
    /// Open braces.
    depth: usize,
    /// Open brackets inside the innermost brace: what is in them stays on its line.
    brackets: usize,
    /// The next visible character begins a line.
    at_start: bool,
}

impl Layout {
    fn push(&mut self, next: char) {
        match next {
            '}' => {
                self.depth -= 1;
                self.at_start = true;
            }
            '<' | '(' | '[' => self.brackets += 1,
            '>' | ')' | ']' => self.brackets -= 1,
            _ if next.is_whitespace() => {
                if !self.at_start && !self.out.ends_with(' ') {
                    self.out.push(' ');
                }
                return;
            }
            _ => {}
        }
        if self.at_start {
            self.line();
            self.out.push_str(&self.indent());
        }
        self.out.push(next);
        self.depth += usize::from(next == '{');
        self.at_start = next == '{' || next == ',' && self.brackets == 0;
    }

    fn comment(&mut self, docs: &str) {
        self.line();
        self.out.push_str(&comment(docs, &self.indent()));
        self.at_start = true;
    }

    fn indent(&self) -> String {
        "  ".repeat(self.depth)
    }

    /// Ends a line that holds something.
    fn line(&mut self) {
        self.out.truncate(self.out.trim_end_matches(' ').len());
        if !self.out.is_empty() && !self.out.ends_with('\n') {
            self.out.push('\n');
        }
    }
}
