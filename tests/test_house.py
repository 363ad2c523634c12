"""The house: rooms by story, and who may use whom."""

import pytest
from house.drawing import svg
from house.reading import House
from house.rooms import PICTURE
from house.rules import LARGEST_CIRCLE, LONGEST_FILE, broken_rules

RULES = ("in no room", "too long", "points up", "circle", "undocumented")
RULES += ("overridden twice", "gone")
MODEL = """
from odoo import models

class Thing(models.Model):
    _inherit = "psa.thing"

    def {name}(self):
        {doc}return {body}
"""


@pytest.fixture(scope="module")
def house() -> House:
    return House()


@pytest.mark.parametrize("rule", RULES)
def test_nothing_breaks_a_rule(house, rule):
    assert broken_rules(house)[rule] == []


def test_picture_is_up_to_date(house):
    assert PICTURE.read_text() == svg(house), "make map draws it anew"


# === The reader sees what it is there for ===


def build(folder, files: dict[str, str]) -> House:
    for path, text in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return House(folder)


def method(name: str, body: str = "self", doc: str = "") -> str:
    return MODEL.format(name=name, body=body, doc=doc and f'"""{doc}"""\n        ')


def test_import_that_points_up_is_seen(tmp_path):
    house = build(
        tmp_path,
        {
            "models/ledger/one.py": "from ..invoice.two import NAME",
            "models/invoice/two.py": "NAME = 1",
        },
    )
    assert broken_rules(house)["points up"] == [
        "models/ledger/one.py -> models/invoice/two.py"
    ]


@pytest.mark.parametrize(
    "call",
    [
        'self.env["psa.thing"]._two()',
        'self.env["psa.thing"].sudo().browse(1)._two()',
        "self.thing_id._two()",
        "self.filtered(lambda each: each._two())",
        "self._two()",
    ],
)
def test_call_that_points_up_is_seen(tmp_path, call):
    house = build(
        tmp_path,
        {
            "models/ledger/one.py": method("_one", call),
            "models/invoice/two.py": method("_two", doc="Documented."),
        },
    )
    assert broken_rules(house)["points up"] == [
        "models/ledger/one.py -> models/invoice/two.py (_two)"
    ]
    assert broken_rules(house)["undocumented"] == []


def test_call_by_way_of_a_variable_is_seen(tmp_path):
    one = method("_one", "Thing._two()").replace(
        "return", 'Thing = self.env["psa.thing"].sudo()\n        return'
    )
    house = build(
        tmp_path,
        {
            "models/ledger/one.py": one,
            "models/invoice/two.py": method("_two"),
            # Of another model, and called the same.
            "models/api/three.py": method("_two").replace("psa.thing", "psa.other"),
        },
    )
    assert [arrow.target for arrow in house.arrows] == ["models/invoice/two.py"]


def test_call_that_points_down_is_fine_if_it_is_documented(tmp_path):
    files = {
        "models/invoice/one.py": method("_one", "self._two()"),
        "models/ledger/two.py": method("_two"),
    }
    broken = broken_rules(build(tmp_path, files))
    assert broken["points up"] == []
    assert broken["undocumented"] == [
        "models/invoice/one.py -> models/ledger/two.py (_two)"
    ]


def test_method_of_a_plain_class_is_none_of_a_model(tmp_path):
    plain = "class Plain:\n    def one(self, other):\n        return {}"
    files = {
        "models/ledger/one.py": plain.format("self._two()"),
        "models/invoice/two.py": method("_two"),
    }
    assert build(tmp_path, files).arrows == set()
    files["models/ledger/one.py"] = plain.format("other._two()")
    assert len(build(tmp_path, files).arrows) == 1
    # It might be that one, too.
    files["core/three.py"] = "def _two():\n    pass"
    assert build(tmp_path, files).arrows == set()


def test_circle_is_seen(tmp_path):
    number = LARGEST_CIRCLE + 1
    files = {
        f"core/file{place}.py": f"from .file{(place + 1) % number} import NAME"
        for place in range(number)
    }
    assert broken_rules(build(tmp_path, files))["circle"] == [" ".join(sorted(files))]
    files["core/file0.py"] = ""
    assert broken_rules(build(tmp_path, files))["circle"] == []


def test_method_that_is_overridden_twice_is_seen(tmp_path):
    override = method("write", "super().write()")
    files = {"models/ledger/one.py": override, "models/invoice/two.py": override}
    assert broken_rules(build(tmp_path, files))["overridden twice"] == [
        "psa.thing.write: models/invoice/two.py, models/ledger/one.py"
    ]
    # A second one that defines it takes the first one's place.
    for name in ("_one", "write"):
        own = method(name)
        files = {"models/ledger/one.py": own, "models/invoice/two.py": own}
        assert len(broken_rules(build(tmp_path, files))["overridden twice"]) == 1


def test_what_one_file_defines_one_other_may_add_to(tmp_path):
    files = {
        "models/ledger/one.py": method("_one", "{}"),
        "models/invoice/two.py": method("_one", "super()._one()"),
    }
    assert broken_rules(build(tmp_path, files))["overridden twice"] == []
    files["models/invoice/three.py"] = files["models/invoice/two.py"]
    assert len(broken_rules(build(tmp_path, files))["overridden twice"]) == 1


def test_long_and_homeless_files_are_seen(tmp_path):
    files = {
        "models/one.py": "",
        "core/two.py": "\n" * (LONGEST_FILE + 1),
        "core/three.py": "\n" * LONGEST_FILE,
    }
    broken = broken_rules(build(tmp_path, files))
    assert broken["in no room"] == ["models/one.py"]
    assert broken["too long"] == ["core/two.py"]
