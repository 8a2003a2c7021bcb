"""The service and the sample start without optional packages that scikit-learn does not use."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("module", ["scoring.__main__", "training.__main__"])
def test_a_start_imports_neither_pandas_nor_pytest(module: str) -> None:
    """Both together take a quarter of the CPU of a start; later imports find both."""
    code = (
        f"import sys, {module}\n"
        "loaded = {'pandas', 'pytest'} & sys.modules.keys()\n"
        "import pandas, pytest\n"
        "sys.exit(f'loaded: {loaded}' if loaded else 0)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, capture_output=True, text=True
    )

    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("package", ["scoring", "training"])
def test_a_package_that_is_imported_already_stays(package: str) -> None:
    code = (
        f"import sys, pandas\nfrom {package} import without_unused\n"
        "with without_unused():\n"
        "    assert sys.modules['pandas'] is pandas\n"
        "    try:\n        import pytest\n"
        "    except ModuleNotFoundError:\n        pass\n"
        "    else:\n        sys.exit('pytest was found')\n"
        "assert sys.modules['pandas'] is pandas\n"
    )
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, capture_output=True, text=True
    )

    assert ended.returncode == 0, ended.stderr


def test_both_packages_have_the_same_code() -> None:
    """Each package stands alone: the image holds `scoring`, and a project copies `training`."""
    files = [ROOT / name / "__init__.py" for name in ("scoring", "training")]
    # Below the docstring, which names the package.
    codes = [file.read_text().split("\n", 1)[1] for file in files]

    assert codes[0] == codes[1]
