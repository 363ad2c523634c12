"""Arrows between files: what imports what, and whose methods it calls.

Calls are read as text. One is followed where it is plain whom it calls: a method of the
model of ``self`` or of ``env["some.model"]``, or one whose name only a single file has.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from .rooms import ADDON, ORDER, room_of

# They give back records of the model that they are called on.
SAME_MODEL = {
    "browse",
    "create",
    "exists",
    "filtered",
    "filtered_domain",
    "new",
    "search",
    "search_fetch",
    "sorted",
    "sudo",
    "union",
    "with_company",
    "with_context",
    "with_env",
    "with_prefetch",
    "with_user",
}
# Odoo and Python have methods that are called so, too.
OTHERS_TOO = ("_compute_", "_replace")


@dataclass(frozen=True, order=True)
class Arrow:
    """One file uses another.

    :ivar name: the method that it calls; '' where it imports
    """

    source: str
    target: str
    name: str = ""

    @property
    def rooms(self) -> tuple[str, str]:
        return room_of(self.source), room_of(self.target)

    @property
    def points_up(self) -> bool:
        source, target = self.rooms
        return bool(source and target) and ORDER[source] < ORDER[target]

    def __str__(self):
        return f"{self.source} -> {self.target}" + (self.name and f" ({self.name})")


@dataclass(frozen=True)
class Method:
    path: str
    model: str
    name: str
    is_documented: bool
    is_override: bool
    """It calls ``super()``: its name is that of Odoo, or of another file of ours."""


@dataclass
class Source:
    """A Python file.

    :ivar path: in the add-on
    """

    path: str
    text: str
    models: list[tuple[ast.ClassDef, str, list[str]]] = field(default_factory=list)
    """Classes that are models, with their names and what they inherit."""

    def __post_init__(self):
        for node in self.tree.body:
            if isinstance(node, ast.ClassDef) and (names := _model_names(node)):
                self.models.append((node, names[0], names[1:]))

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def line_count(self) -> int:
        return len(self.text.splitlines())

    def imports(self, files: set[str]) -> Iterator[str]:
        """:param files: paths of all files of the add-on"""
        folder = Path(self.path).parent
        for node in ast.walk(self.tree):
            if not isinstance(node, ast.ImportFrom):
                continue
            module = (node.module or "").replace(".", "/")
            if node.level:
                base = folder.joinpath(*[".."] * (node.level - 1), module)
            elif module.startswith(f"odoo/addons/{ADDON.name}"):
                base = Path(module.removeprefix(f"odoo/addons/{ADDON.name}").strip("/"))
            else:
                continue
            base = _without_dots(base)
            names = [f"{base / alias.name}.py" for alias in node.names]
            found = [name for name in names if name in files]
            yield from found or [path for path in [f"{base}.py"] if path in files]

    def plain_names(self) -> set[str]:
        """Of functions, and of methods of what is no model."""
        models = [class_ for class_, _model, _parents in self.models]
        return {
            function.name
            for part in self.tree.body
            if part not in models
            for function in _functions_in(part)
        }

    def methods(self) -> Iterator[Method]:
        for class_, model, _parents in self.models:
            for node in class_.body:
                if isinstance(node, ast.FunctionDef):
                    yield Method(
                        self.path,
                        model,
                        node.name,
                        bool(ast.get_docstring(node)),
                        f".{node.name}" in _calls_of_super(node),
                    )


def _functions_in(node: ast.AST) -> Iterator[ast.FunctionDef]:
    return (each for each in ast.walk(node) if isinstance(each, ast.FunctionDef))


def _model_names(node: ast.ClassDef) -> list[str]:
    """The model that a class is, and those that it inherits from."""
    found = {}
    for item in node.body:
        if isinstance(item, ast.Assign) and isinstance(item.targets[0], ast.Name):
            name = item.targets[0].id
            if name in ("_name", "_inherit"):
                found[name] = ast.literal_eval(item.value)
    inherited = found.get("_inherit", [])
    inherited = [inherited] if isinstance(inherited, str) else list(inherited)
    names = [found["_name"]] if "_name" in found else inherited[:1]
    return [*names, *(each for each in inherited if each not in names)]


def _calls_of_super(function: ast.FunctionDef) -> set[str]:
    return {
        f".{node.attr}"
        for node in ast.walk(function)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Name)
        and node.value.func.id == "super"
    }


def _without_dots(path: Path) -> Path:
    parts: list[str] = []
    for part in path.parts:
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return Path(*parts)


class House:
    """All files of the add-on, and the arrows between them."""

    def __init__(self, folder: Path = ADDON):
        self.sources = {
            str(path.relative_to(folder)): Source(
                str(path.relative_to(folder)), path.read_text()
            )
            for path in sorted(folder.rglob("*.py"))
            if path.name not in ("__init__.py", "__manifest__.py")
            and path.relative_to(folder).parts[0] not in ("tests", "migrations")
        }
        self.methods = [
            method for source in self.sources.values() for method in source.methods()
        ]
        self._of_model = defaultdict(list)
        self._of_name = defaultdict(list)
        for method in self.methods:
            self._of_model[method.model, method.name].append(method)
            self._of_name[method.name].append(method)
        self._plain = {
            name for source in self.sources.values() for name in source.plain_names()
        }
        self._parents = defaultdict(list)
        for source in self.sources.values():
            for _class, model, parents in source.models:
                self._parents[model] += parents

    @cached_property
    def arrows(self) -> set[Arrow]:
        found = set()
        files = set(self.sources)
        for source in self.sources.values():
            found |= {Arrow(source.path, target) for target in source.imports(files)}
            found |= set(self._calls(source))
        return {arrow for arrow in found if arrow.source != arrow.target}

    def _calls(self, source: Source) -> Iterator[Arrow]:
        classes = {class_: model for class_, model, _parents in source.models}
        for part in source.tree.body:
            model = classes.get(part, "")
            for function in _functions(part):
                known = {"self": model, "cls": model} if model else {}
                for node in ast.walk(function):
                    if isinstance(node, ast.Assign) and len(node.targets) == 1:
                        target, value = (
                            node.targets[0],
                            self._model_of(node.value, known),
                        )
                        if isinstance(target, ast.Name) and value:
                            known.setdefault(target.id, value)
                for node in ast.walk(function):
                    if isinstance(node, ast.Attribute):
                        for method in self._called(node, known):
                            yield Arrow(source.path, method.path, method.name)

    def _called(self, node: ast.Attribute, known: dict[str, str]) -> list[Method]:
        if node.attr not in self._of_name:
            return []
        if model := self._model_of(node.value, known):
            return self._find(model, node.attr)
        methods = self._of_name[node.attr]
        if isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"):
            # Of a class that is no model.
            return []
        is_plain = (
            node.attr.startswith(("_", "action_"))
            and not node.attr.startswith(OTHERS_TOO)
            and node.attr not in self._plain
            and not any(method.is_override for method in methods)
        )
        return methods if is_plain and len({each.path for each in methods}) == 1 else []

    def _find(self, model: str, name: str) -> list[Method]:
        """A method as a model has it: its own, else one that it inherits."""
        if own := self._of_model.get((model, name)):
            return [] if any(method.is_override for method in own) else own
        for parent in self._parents.get(model, ()):
            if parent != model and (found := self._find(parent, name)):
                return found
        return []

    def _model_of(self, node: ast.expr, known: dict[str, str]) -> str:
        """The model of what an expression gives; '' where that is not plain."""
        if isinstance(node, ast.Name):
            return known.get(node.id, "")
        if isinstance(node, ast.Subscript):
            is_env = isinstance(node.value, ast.Attribute | ast.Name) and (
                getattr(node.value, "attr", None) or getattr(node.value, "id", None)
            ) in ("env", "registry")
            if is_env and isinstance(node.slice, ast.Constant):
                return str(node.slice.value)
            # A part of records is records.
            is_part = isinstance(node.slice, ast.Slice)
            return self._model_of(node.value, known) if is_part else ""
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in SAME_MODEL:
                return self._model_of(node.func.value, known)
        return ""

    # === What the rules ask ===

    def circles(self) -> list[list[str]]:
        """Files that all use each other, directly or not; the largest circle first."""
        users = defaultdict(set)
        for arrow in self.arrows:
            users[arrow.source].add(arrow.target)
        reach = {path: _reachable(path, users) for path in self.sources}
        found = {
            tuple(sorted(other for other in reach[path] if path in reach[other]))
            for path in self.sources
            if path in reach[path]
        }
        return sorted(map(list, found), key=lambda circle: (-len(circle), circle))

    def undocumented_calls(self) -> set[Arrow]:
        """Calls of another room's private methods that say nothing of themselves."""
        documented = {
            (method.path, method.name)
            for method in self.methods
            if method.is_documented
        }
        return {
            arrow
            for arrow in self.arrows
            if arrow.name.startswith("_")
            and arrow.rooms[0] != arrow.rooms[1]
            and (arrow.target, arrow.name) not in documented
        }

    def overridden_twice(self) -> list[str]:
        """Methods that two of our files override: which comes first would hang on the
        order of imports. What one file defines one other may add to."""
        return sorted(
            f"{model}.{name}: {', '.join(sorted(each.path for each in methods))}"
            for (model, name), methods in self._of_model.items()
            if sum(method.is_override for method in methods) > 1
            or sum(not method.is_override for method in methods) > 1
        )


def _functions(part: ast.stmt) -> list[ast.AST]:
    if isinstance(part, ast.ClassDef):
        return list(part.body)
    return [part]


def _reachable(start: str, users: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(users[start])
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += users[path]
    return found
