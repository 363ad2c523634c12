"""What in a statement needs a PostgreSQL newer than the oldest that Odoo runs on.

PostgreSQL's own grammar (in ``pglast``) takes the statement apart, so that neither a
string nor a comment is taken for SQL. Below is what came after version 13.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pglast import ast, parse_sql
from pglast.enums import AlterTableType
from pglast.parser import ParseError, Token, scan
from pglast.visitors import Visitor

# Found wherever they stand in a statement.
NODES = {
    ast.CTECycleClause: (14, "CYCLE in a recursive query"),
    ast.CTESearchClause: (14, "SEARCH in a recursive query"),
    ast.MergeStmt: (15, "MERGE"),
    ast.JsonArrayAgg: (16, "JSON_ARRAYAGG"),
    ast.JsonArrayConstructor: (16, "JSON_ARRAY"),
    ast.JsonArrayQueryConstructor: (16, "JSON_ARRAY"),
    ast.JsonIsPredicate: (16, "IS JSON"),
    ast.JsonObjectAgg: (16, "JSON_OBJECTAGG"),
    ast.JsonObjectConstructor: (16, "JSON_OBJECT with keys and values"),
    ast.JsonFuncExpr: (17, "JSON_EXISTS, JSON_QUERY and JSON_VALUE"),
    ast.JsonScalarExpr: (17, "JSON_SCALAR"),
    ast.JsonSerializeExpr: (17, "JSON_SERIALIZE"),
    ast.JsonTable: (17, "JSON_TABLE"),
}
# Where the attribute is set.
ATTRIBUTES = {
    (ast.ColumnDef, "compression"): (14, "COMPRESSION of a column"),
    (ast.CreateFunctionStmt, "sql_body"): (14, "a function with a body in SQL"),
    (ast.CreateTrigStmt, "replace"): (14, "OR REPLACE of a trigger"),
    (ast.JoinExpr, "join_using_alias"): (14, "an alias after USING"),
    (ast.PartitionCmd, "concurrent"): (14, "DETACH PARTITION CONCURRENTLY"),
    (ast.SelectStmt, "groupDistinct"): (14, "GROUP BY DISTINCT"),
    (ast.StatsElem, "expr"): (14, "statistics of an expression"),
    (ast.Constraint, "fk_del_set_cols"): (15, "ON DELETE SET of some columns"),
    (ast.Constraint, "nulls_not_distinct"): (15, "NULLS NOT DISTINCT"),
    (ast.IndexStmt, "nulls_not_distinct"): (15, "NULLS NOT DISTINCT"),
    (ast.ColumnDef, "storage_name"): (16, "STORAGE of a new column"),
    (ast.XmlSerialize, "indent"): (16, "XMLSERIALIZE with INDENT"),
    (ast.JsonParseExpr, "unique_keys"): (17, "JSON() WITH UNIQUE KEYS"),
    (ast.Constraint, "fk_with_period"): (18, "a foreign key with PERIOD"),
    (ast.Constraint, "without_overlaps"): (18, "WITHOUT OVERLAPS"),
    (ast.ReturningClause, "options"): (18, "RETURNING WITH"),
}
# Options in parentheses: of a view, COPY, EXPLAIN, VACUUM.
OPTIONS = {
    "process_toast": 14,
    "security_invoker": 15,
    "buffer_usage_limit": 16,
    "generic_plan": 16,
    "process_main": 16,
    "skip_database_stats": 16,
    "log_verbosity": 17,
    "memory": 17,
    "on_error": 17,
    "serialize": 17,
    "reject_limit": 18,
}
ALTERATIONS = {
    AlterTableType.AT_SetCompression: (14, "SET COMPRESSION"),
    AlterTableType.AT_SetAccessMethod: (15, "SET ACCESS METHOD"),
    AlterTableType.AT_SetExpression: (17, "SET EXPRESSION"),
}
# By the version that brought them, without those that only PostgreSQL itself calls.
FUNCTIONS = {
    14: """bit_count bit_xor date_bin datemultirange int4multirange int8multirange
           multirange nummultirange pg_column_compression range_agg
           range_intersect_agg string_to_table trim_array tsmultirange
           tstzmultirange unistr""",
    15: """has_parameter_privilege pg_backup_start pg_backup_stop regexp_count
           regexp_instr regexp_like regexp_substr""",
    16: """any_value array_sample array_shuffle date_add date_subtract erf erfc
           json_agg_strict json_object_agg_strict json_object_agg_unique
           json_object_agg_unique_strict jsonb_agg_strict jsonb_object_agg_strict
           jsonb_object_agg_unique jsonb_object_agg_unique_strict
           pg_input_error_info pg_input_is_valid random_normal system_user""",
    17: """icu_unicode_version jsonb_populate_record_valid pg_basetype to_bin to_oct
           to_regtypemod unicode_assigned unicode_version uuid_extract_timestamp
           uuid_extract_version xmltext""",
    18: """array_reverse array_sort casefold crc32 crc32c gamma
           has_largeobject_privilege lgamma pg_get_acl uuidv4 uuidv7""",
}
# Functions that were there, called with a number of arguments that was not.
CALLS = {
    ("range_merge", 1): 14,
    ("regexp_replace", 5): 15,
    ("regexp_replace", 6): 15,
    ("generate_series", 4): 16,
    ("random", 2): 17,
    # AT LOCAL
    ("timezone", 1): 17,
    ("json_strip_nulls", 2): 18,
    ("jsonb_strip_nulls", 2): 18,
}
TYPES = {
    14: """datemultirange int4multirange int8multirange nummultirange tsmultirange
           tstzmultirange""",
}
SETTINGS = {
    14: "enable_async_append enable_memoize idle_session_timeout",
    15: "recursive_worktable_factor",
    16: "debug_parallel_query enable_presorted_aggregate",
    17: "enable_group_by_reordering transaction_timeout",
    18: "enable_distinct_reordering enable_self_join_elimination",
}
# What ends a column of a SELECT, and after which words it does not.
ENDS = {
    "EXCEPT": (),
    "FETCH": (),
    "FOR": (),
    "FROM": ("DISTINCT",),
    "GROUP_P": ("WITHIN",),
    "HAVING": (),
    "INTERSECT": (),
    "INTO": (),
    "LIMIT": (),
    "OFFSET": (),
    "ORDER": (),
    "UNION": (),
    "WHERE": (),
    "WINDOW": (),
    "ASCII_44": (),  # ,
    "ASCII_59": (),  # ;
}
OPENING = {"ASCII_40", "ASCII_91"}  # ( [
CLOSING = {"ASCII_41", "ASCII_93"}  # ) ]


def _versions(names: dict[int, str]) -> dict[str, int]:
    return {name: version for version, some in names.items() for name in some.split()}


FUNCTION_VERSIONS = _versions(FUNCTIONS)
TYPE_VERSIONS = _versions(TYPES)
SETTING_VERSIONS = _versions(SETTINGS)


def newer_constructs(text: str) -> list[str]:
    """What the oldest PostgreSQL would not understand in one or more statements.

    :return: for each, what it is and which version it needs; nothing of text that no
        PostgreSQL understands
    """
    try:
        statements = parse_sql(text)
        tokens = scan(text)
    except ParseError:
        return []
    reader = _Reader(tokens)
    reader(statements)
    found = [*reader.found, *_of_tokens(text, tokens)]
    return [
        f"{what} needs PostgreSQL {version}" for version, what in sorted(set(found))
    ]


class _Reader(Visitor):
    """Collects what is newer among the nodes of a statement."""

    def __init__(self, tokens: list[Token]):
        self.tokens = tokens
        self.found: list[tuple[int, str]] = []

    def visit(self, _ancestors, node):
        if type(node) in NODES:
            self.found.append(NODES[type(node)])
        for (kind, name), construct in ATTRIBUTES.items():
            if isinstance(node, kind) and getattr(node, name):
                self.found.append(construct)

    def visit_RangeSubselect(self, ancestors, node):
        self.visit(ancestors, node)
        if not node.alias:
            self.found.append((16, "a subquery in FROM without alias"))

    def visit_A_Indices(self, _ancestors, node):
        index = node.uidx
        if isinstance(index, ast.A_Const) and isinstance(index.val, ast.String):
            self.found.append((14, "a key in brackets"))

    def visit_Constraint(self, ancestors, node):
        self.visit(ancestors, node)
        if node.generated_kind == "v":
            self.found.append((18, "a virtual column"))

    def visit_ReturningClause(self, ancestors, node):
        self.visit(ancestors, node)
        columns = _Columns()
        columns(node)
        if columns.tables & {"old", "new"}:
            self.found.append((18, "old or new in RETURNING"))
        self._read_labels(node.exprs)

    def visit_SelectStmt(self, ancestors, node):
        self.visit(ancestors, node)
        self._read_labels(node.targetList or ())

    def visit_FuncCall(self, _ancestors, node):
        *schema, name = (part.sval for part in node.funcname)
        if schema in ([], ["pg_catalog"]):
            call = (name, len(node.args or ()))
            version = FUNCTION_VERSIONS.get(name) or CALLS.get(call)
            self._add(version, f"{name}() with {call[1]} arguments")

    def visit_TypeName(self, _ancestors, node):
        name = node.names[-1].sval
        self._add(TYPE_VERSIONS.get(name), f"the type {name}")

    def visit_VariableSetStmt(self, _ancestors, node):
        self._add(SETTING_VERSIONS.get(node.name), f"the setting {node.name}")

    def visit_DefElem(self, _ancestors, node):
        self._add(OPTIONS.get(node.defname), f"the option {node.defname}")

    def visit_AlterTableCmd(self, ancestors, node):
        self.visit(ancestors, node)
        if construct := ALTERATIONS.get(node.subtype):
            self.found.append(construct)

    def _add(self, version: int | None, what: str) -> None:
        if version:
            self.found.append((version, what))

    def _read_labels(self, columns: Iterable[ast.ResTarget]) -> None:
        """A word of the grammar may name a column without AS only since 14."""
        for column in columns:
            if not column.name:
                continue
            before, label = list(_tokens_of(self.tokens, column.location))[-2:]
            if label.kind != "NO_KEYWORD" and before.name != "AS":
                self.found.append((14, f"the name {column.name} without AS"))


class _Columns(Visitor):
    """The tables that are named before columns."""

    def __init__(self):
        self.tables: set[str] = set()

    def visit_ColumnRef(self, _ancestors, node):
        first, *rest = node.fields
        if rest:
            self.tables.add(first.sval)


def _tokens_of(tokens: list[Token], start: int) -> Iterator[Token]:
    """Those of the column that starts there, its name included."""
    depth = 0
    last = ""
    for token in tokens:
        if token.start < start:
            continue
        if not depth and token.name in ENDS and last not in ENDS[token.name]:
            return
        depth += (token.name in OPENING) - (token.name in CLOSING)
        if depth < 0:
            return
        yield token
        last = token.name


def _of_tokens(text: str, tokens: list[Token]) -> Iterator[tuple[int, str]]:
    """What the grammar takes for the same as something older."""
    for token, following in zip(tokens, [*tokens[1:], None], strict=True):
        word = text[token.start : token.end + 1].lower()
        if token.name in ("ICONST", "FCONST") and (
            "_" in word or word[:2] in ("0x", "0o", "0b")
        ):
            yield 16, f"the number {word}"
        # Not SIMILAR TO, but a pattern of SUBSTRING.
        if token.name == "SIMILAR" and following and following.name != "TO":
            yield 14, "SUBSTRING with SIMILAR"
