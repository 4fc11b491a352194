from harness.values.markdown import markdown, markdown_text


def test_names_of_anybody_are_shown_letter_for_letter() -> None:
    assert markdown_text("<b>*a*|[x](y)</b>\n`z`") == "&lt;b&gt;\\*a\\*\\|\\[x\\](y)&lt;/b&gt; \\`z\\`"
    assert markdown(["a|b"], [["1"]]).splitlines()[0] == "| a\\|b |"
