//! Hex versions (Elixir, Erlang), strict SemVer as Elixir's [`Version`](https://hexdocs.pm/elixir/Version.html) reads it.

#[cfg(test)]
mod tests {
    use crate::testing::{invalid, invalid_range, order, ranges};
    use assay_model::Scheme::Hex;

    #[test]
    fn orders_as_elixir() {
        order(Hex, "1.0.1 > 1.0.0\n1.0.0-rc.1 < 1.0.0\n1.0.0-a.2 < 1.0.0-a.10\n1.0.0+x = 1.0.0");
        invalid(Hex, &["", "1.0", "1", "01.0.0", "1.0.0-01", "v1.0.0"]);
    }

    /// Of Elixir's own `version_test.exs`.
    #[test]
    fn reads_requirements_as_elixir() {
        ranges(
            Hex,
            "
            ~> 2.0 | 2.9.9
            ! ~> 2.0 | 3.0.0
            ~> 2.1.2 | 2.1.6
            ! ~> 2.1.2 | 2.2.0
            ! ~> 2.1.2 | 2.2.0-dev
            > 2.1.0 and < 2.3.0 | 2.2.0
            < 2.0.0 or == 2.2.0 | 2.2.0
            != 2.3.0 | 2.3.1
            2.3.0 | 2.3.0
            ",
        );
        invalid_range(Hex, &["~> 1", "> 1.0.0 and", "foo"]);
    }
}
