# SPDX-License-Identifier: MIT
"""Signatures of the Python reference: those of the type stubs, which know more
than the modules tell."""

import ast
import os

MODULES = (
    "core", "inspection", "managers", "native", "shared_memory"
)


def parameters(function, is_method):
    """As it is called: without self, private names of types, and `...`."""
    arguments = function.args
    positional = arguments.posonlyargs + arguments.args
    if is_method:
        positional = positional[1:]
    kept = len(positional)
    defaults = arguments.defaults[-kept:] if kept else []
    defaults = [None] * (kept - len(defaults)) + defaults
    out = [shown(*pair) for pair in zip(positional, defaults)]
    if arguments.vararg:
        out.append("*" + arguments.vararg.arg)
    elif arguments.kwonlyargs:
        out.append("*")
    out += map(shown_pair, zip(arguments.kwonlyargs, arguments.kw_defaults))
    if arguments.kwarg:
        out.append("**" + arguments.kwarg.arg)
    return f"({', '.join(out)})"


def shown_pair(pair):
    return shown(*pair)


def shown(argument, default):
    text = argument.arg
    if argument.annotation:
        text += ": " + public(ast.unparse(argument.annotation))
    if default is None:
        return text
    if argument.arg == "mode":  # which is octal in the stubs, too
        value = default.value
        return f"{text} = {value if value is None else oct(value)}"
    return f"{text} = {ast.unparse(default)}"


def public(annotation):
    for name, words in (
        ("_IntType", "str"), ("_FloatType", "str"), ("_DType", "numpy.dtype"),
        ("_Shape", "int | Iterable[int] | None"), ("_Item", "value"),
        ("_Address", "str | bytes | tuple[str, int]"), ("_T", "value"),
        ("_Function", "Callable"), ("_Callback", "Callback"),
        ("SupportsIndex", "int"),
    ):
        annotation = annotation.replace(name, words)
    return annotation


def functions(folder):
    """Name with its class: parameters, and what is returned. Of overloads, the
    last, which takes the most; but a list that is attached has no sequence."""
    found = {}
    for module in MODULES:
        with open(os.path.join(folder, module + ".pyi"), encoding="utf-8") as f:
            tree = ast.parse(f.read())
        for node in tree.body:
            if isinstance(node, ast.FunctionDef):
                found[node.name] = signature(node, False)
            elif isinstance(node, ast.ClassDef):
                for member in node.body:
                    if isinstance(member, ast.FunctionDef) and not is_setter(
                        member
                    ):
                        name = f"{node.name}.{member.name}"
                        found[name] = signature(member, True)
    list_made = found["ShareableList.__init__"]
    found["ShareableList.__init__"] = (
        list_made[0].replace("[value]", "[value] | None = None"),
        "",
    )
    return found


def is_setter(node):
    return any(
        getattr(decorator, "attr", "") == "setter"
        for decorator in node.decorator_list
    )


def signature(node, is_method):
    is_class_method = any(
        getattr(decorator, "id", "") == "classmethod"
        for decorator in node.decorator_list
    )
    returned = public(ast.unparse(node.returns)) if node.returns else ""
    return (
        parameters(node, is_method or is_class_method),
        "" if returned == "None" else returned,
    )


def connect(app, folder):
    known = functions(folder)

    def process(app, what, name, obj, options, given, returned):
        _, _, short = name.rpartition("polyshm.")
        short = short.removeprefix("native.").removeprefix("managers.")
        if what == "class":
            found = known.get(short + ".__init__")
            return (found[0], "") if found else ("", "")
        return known.get(short, (given, returned))

    app.connect("autodoc-process-signature", process)
