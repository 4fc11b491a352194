import csv
import io

from harness.report.render import comma_separated, latex
from harness.values.markdown import markdown
from tests.report.collect_cases import ROWS


def test_tables_escape_what_their_format_needs() -> None:
    assert "a\\|b" in markdown(*ROWS)
    assert r"a|b \& c\_d & 1.0 $\pm$0.5 \\" in latex(*ROWS)
    assert list(csv.reader(io.StringIO(comma_separated(*ROWS)))) == [ROWS[0], *ROWS[1]]
