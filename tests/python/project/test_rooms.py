"""The Python of the project lies in rooms with doors: who may import whom, and what a wheel brings along."""

from __future__ import annotations

import ast
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from prevalence.engines.settings import PROJECT

# package -> the folder that holds it
PACKAGES = {
    "python_udfs": "python_udfs",
    "prevalence": "prevalence",
    "prevalence_demo": "demo",
    "prevalence_evidence": "evidence",
}
# who may import whom: a room those below it and those of its own floor
FLOORS = (
    {"python_udfs"},
    {"prevalence.engines"},
    {
        "prevalence.gates",
        "prevalence.labeling",
        "prevalence.migration",
        "prevalence.planner",
        "prevalence.release",
        "prevalence.replay",
    },
    {"prevalence.command_line"},
    {"prevalence_demo"},
    {"prevalence_evidence"},
)
PRODUCT = ("python_udfs", "prevalence")


def _modules() -> dict[str, Path]:
    found = {}
    for package, folder in PACKAGES.items():
        for path in sorted((PROJECT / folder).rglob("*.py")):
            parts = [package, *path.relative_to(PROJECT / folder).with_suffix("").parts]
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = _modules()


def _imported(path: Path) -> set[str]:
    """The modules of ours that a file imports, wherever in it, but for those that only type checkers see."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            node.body = []
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            # `from package import module` is an import of the module, `from module import name` one of the module
            found |= {name if name in MODULES else str(node.module) for name in names}
    return found & MODULES.keys()


IMPORTS = {name: _imported(path) for name, path in MODULES.items()}


def _room(module: str) -> str:
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] == "prevalence" else parts[0]


def _cycle(graph: dict[str, set[str]]) -> list[str]:
    """The first cycle that is found, from a node back to itself; empty where there is none."""
    done: set[str] = set()

    def visit(node: str, way: list[str]) -> list[str]:
        if node in way:
            return [*way[way.index(node) :], node]
        if node not in done:
            for other in sorted(graph.get(node, ())):
                found = visit(other, [*way, node])
                if found:
                    return found
            done.add(node)
        return []

    for node in sorted(graph):
        found = visit(node, [])
        if found:
            return found
    return []


def test_every_folder_of_python_is_known():
    assert len(MODULES) > 40
    floors = set().union(*FLOORS)
    assert {_room(name) for name in MODULES} - floors <= {"prevalence"}


def test_no_module_imports_itself_by_a_detour():
    assert _cycle(IMPORTS) == []


def test_no_package_imports_itself_by_a_detour():
    def package(module: str) -> str:
        return module if MODULES[module].name == "__init__.py" else module.rpartition(".")[0]

    graph: dict[str, set[str]] = {}
    for name, others in IMPORTS.items():
        graph.setdefault(package(name), set()).update(package(other) for other in others)
    # a package's modules may import each other
    assert _cycle({name: others - {name} for name, others in graph.items()}) == []


def test_imports_never_run_up():
    floor = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
    upward = [
        f"{name} imports {other}"
        for name, others in sorted(IMPORTS.items())
        for other in sorted(others)
        if _room(name) in floor and floor.get(_room(other), -1) > floor[_room(name)]
    ]
    assert upward == []


def test_the_product_refers_neither_to_the_demo_world_nor_to_the_evidence():
    texts = {
        str(path.relative_to(PROJECT)): path.read_text()
        for name, path in MODULES.items()
        if name.split(".")[0] in PRODUCT
    }
    assert [name for name, text in texts.items() if "prevalence_demo" in text or "prevalence_evidence" in text] == []


def test_no_file_name_stands_twice():
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    names = Counter(Path(line).name for line in listed.splitlines() if (PROJECT / line).exists())
    assert [name for name, times in names.items() if times > 1 and name != "__init__.py"] == []


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> list[str]:
    folder = tmp_path_factory.mktemp("wheel")
    # what is in git, so that no folder of an earlier build is packed along
    source = folder / "source"
    source.mkdir()
    names = subprocess.run(["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    for name in names:
        if (
            name.endswith((".py", ".properties", "pyproject.toml", "README.md", "LICENSE"))
            and (PROJECT / name).exists()
        ):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((PROJECT / name).read_bytes())
    build = "import sys, setuptools.build_meta as backend; print(backend.build_wheel(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", build, str(folder)], cwd=source, capture_output=True, text=True, check=False
    )
    if "No module named 'setuptools'" in done.stderr:
        pytest.skip("setuptools is not installed here")
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as archive:
        return archive.namelist()


def test_a_wheel_brings_four_names_of_ours_and_no_generic_word(wheel):
    top = {name.split("/")[0] for name in wheel}
    assert {name for name in top if not name.endswith(".dist-info")} == set(PACKAGES)


def test_a_wheel_brings_every_module(wheel):
    packed = {name for name in wheel if name.endswith(".py")}
    expected = {
        f"{name.replace('.', '/')}{'/__init__' if path.name == '__init__.py' else ''}.py"
        for name, path in MODULES.items()
    }
    assert packed == expected
