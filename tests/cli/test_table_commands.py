"""Tables and arrays through `main`: every command that takes samples takes them."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import evobin
from evobin.cli.main import main
from tests.builders import files_below
from tests.cli.calls import Capture, answer
from tests.cli.pages import shorten

BUDGET = [
    "--ste.starts", "2", "--ste.epochs", "6", "--population.rounds", "0", "--flips.sweeps", "2",
    "--n-jobs", "1", "--quiet",
]  # fmt: skip
SEARCH = ["search", "--data", "pets.csv", "--label", "sold", "--drop", "id", "--hidden", "8"]


def pets(n: int, seed: int) -> pd.DataFrame:
    """Rows whose class follows from words, numbers and what is missing."""
    rng = np.random.default_rng(seed)
    age, kind = rng.integers(1, 90, n).astype(float), rng.choice(["cat", "cow", "dog"], n)
    sold = np.where((age > 45) ^ (kind == "cat"), "yes", "no")
    age[rng.random(n) < 0.1] = np.nan
    weight = rng.normal(size=n).round(3)
    return pd.DataFrame(
        {"id": range(n), "age": age, "kind": kind, "same": 1, "weight": weight, "sold": sold}
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tables, arrays, and a run of each."""
    root = tmp_path_factory.mktemp("home")
    pets(120, 0).to_csv(root / "pets.csv", index=False)
    other = pets(40, 1)
    other.to_csv(root / "other.csv", index=False)
    other.drop(columns=["sold", "same", "id"]).to_csv(root / "new.csv", index=False)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(90, 5)).round(2)
    np.savez(root / "arrays.npz", X=x, y=x[:, 0] > x[:, 1], groups=np.arange(90) // 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        assert main([*SEARCH, "--test-share", "0.2", "--out", "run", *BUDGET]) == 0
        npz = ["search", "--data", "arrays.npz", "--hidden", "8", "4", "--out", "npz", *BUDGET]
        assert main([*npz, "--no-report"]) == 0
    return root


@pytest.fixture(autouse=True)
def _in_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)


def refusal(capsys: Capture, *argv: str, code: int = 1) -> str:
    """What a command says that must fail and write nothing."""
    capsys.readouterr()
    before = files_below(Path())
    assert main(argv) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert files_below(Path()) == before
    return captured.err.removeprefix("evobin: ")


def test_a_search_leaves_a_model_of_the_columns() -> None:
    model = evobin.load("run/model.evobin")
    assert model.feature_names == ("age", "kind", "weight")
    assert model.classes.tolist() == ["no", "yes"]
    assert model.report["table"] == {
        "label": "sold",
        "group": None,
        "drop": ["id"],
        "constant": ["same"],
    }
    assert model.encoder is not None
    assert model.encoder.fit(pets(120, 0)[["age", "kind", "weight"]]).n_features == 3
    shape = model.network.architecture
    assert (shape.n_in, shape.frames, shape.binary_inputs) == (model.encoder.n_signs, 1, True)
    config = json.loads(Path("run/config.json").read_text())
    assert (config["classes"], config["architecture"]["n_in"]) == (["no", "yes"], shape.n_in)


def test_a_frame_gets_the_answers_that_its_table_gets(capsys: Capture) -> None:
    model, frame = evobin.load("run/model.evobin"), pets(40, 1)
    expected = model.predict(frame[["age", "kind", "weight"]]).tolist()
    shares = model.predict_proba(frame[["age", "kind", "weight"]])
    for name in ("new.csv", "other.csv"):
        table = pd.read_csv(io.StringIO(answer(capsys, "predict", "run/model.evobin", name)))
        assert list(table) == ["line", "prediction", "no", "yes"]
        assert table["line"].tolist() == list(range(2, 42))
        assert table["prediction"].tolist() == expected
        assert np.allclose(table[["no", "yes"]], shares, rtol=0, atol=5.1e-5)
    out = answer(capsys, "predict", "run/model.evobin", "other.csv", "--id", "id")
    assert out.splitlines()[0] == "id,prediction,no,yes"
    assert out.splitlines()[1].startswith(f"0,{expected[0]},")
    figures = json.loads(
        answer(capsys, "evaluate", "run/model.evobin", "--data", "other.csv", "--json")
    )
    assert figures["classes"] == ["no", "yes"]
    assert figures["accuracy"] == np.mean(frame["sold"].to_numpy() == np.array(expected)) > 0.6


@pytest.mark.parametrize("name", ["other.tsv", "other.parquet", "semicolons.csv"])
def test_other_kinds_of_tables_are_read_as_the_same(name: str, capsys: Capture) -> None:
    frame = pets(40, 1)
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
        frame.to_parquet(name)
    else:
        frame.to_csv(name, index=False, sep="\t" if name.endswith("tsv") else ";")
    expected = answer(capsys, "evaluate", "run/model.evobin", "--data", "other.csv")
    told = answer(capsys, "evaluate", "run/model.evobin", "--data", name, "--label", "sold")
    assert told == expected
    assert "predicted yes" in told


@pytest.mark.parametrize("refit", [True, False])
def test_a_table_gives_the_network_that_a_frame_gives(
    refit: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shorten(monkeypatch)
    frame = pets(120, 0).drop(columns=["id", "same"])
    config = evobin.SearchConfig.of(
        "quick", data=Path("pets.csv"), label="sold", drop=("id",), hidden=(8,), seed=3, n_jobs=1,
        report=False, out=tmp_path / "run", refit=refit,
    )  # fmt: skip
    found = evobin.search(config)
    model = evobin.BinaryClassifier(
        (8,), effort="quick", refit=refit, random_state=3, n_jobs=1
    ).fit(frame.drop(columns="sold"), frame["sold"])
    assert np.array_equal(found.network.signs, model.network_.signs)


def test_arrays_are_searched_evaluated_and_predicted(capsys: Capture) -> None:
    model = evobin.load("npz/model.evobin")
    with np.load("arrays.npz") as file:
        x, y = file["X"], file["y"]
    assert model.classes.tolist() == ["False", "True"]
    assert [layer.shape for layer in model.network.architecture.layers][1:] == [(4, 8, 1), (1, 4)]
    expected = model.predict(x)
    out = answer(capsys, "predict", "npz/model.evobin", "arrays.npz").splitlines()
    assert out[0] == "row,prediction,False,True"
    rows = [line.split(",")[:2] for line in out[1:]]
    assert rows == [[str(row), name] for row, name in enumerate(expected)]
    told = answer(capsys, "evaluate", "npz/model.evobin", "--data", "arrays.npz", "--json")
    assert json.loads(told)["accuracy"] == np.mean(expected == y.astype(str))
    pd.DataFrame(x).assign(y=y).to_csv("arrays.csv", index=False)
    table = ["--data", "arrays.csv", "--label", "y", "--json"]
    assert (
        json.loads(answer(capsys, "evaluate", "npz/model.evobin", *table))["right"]
        == (json.loads(told)["right"])
    )


def test_inspect_diff_report_and_export_take_the_model_of_a_table(capsys: Capture) -> None:
    told = answer(capsys, "inspect", "run/model.evobin", "--data", "other.csv", "--verbose")
    assert "accuracy" in told
    assert "│ yes" in told
    assert "line 2 " in told or "hangs on one flip" in told
    other = [*SEARCH, "--seed", "1", "--out", "other", *BUDGET, "--no-report"]
    assert main(other) == 0
    told = answer(
        capsys, "diff", "run/model.evobin", "other/model.evobin", "--data", "other.csv", "--json"
    )
    a, b = (json.loads(told)[name]["right"] for name in "ab")
    assert (a, b) == tuple(
        json.loads(answer(capsys, "evaluate", model, "--data", "other.csv", "--json"))["right"]
        for model in ("run/model.evobin", "other/model.evobin")
    )
    page = Path(answer(capsys, "report", "run", "--out", "page.html").strip()).read_text()
    assert "predicted yes" in page
    assert "label no" in page
    answer(capsys, "export", "run/model.evobin", "--format", "c", "--out", "pets.c")
    assert '"kind"' in Path("pets.h").read_text()


def test_a_polish_knows_the_label_and_keeps_the_columns(capsys: Capture, tmp_path: Path) -> None:
    out = ["--out", str(tmp_path / "p"), *BUDGET, "--no-report"]
    answer(capsys, "polish", "run/model.evobin", "--data", "other.csv", *out)
    model = evobin.load(tmp_path / "p" / "model.evobin")
    assert model.feature_names == ("age", "kind", "weight")
    assert model.report["table"] == {
        "label": "sold",
        "group": None,
        "drop": ["id", "same"],
        "constant": [],
    }
    again = ["--out", str(tmp_path / "q"), *BUDGET, "--no-report"]
    answer(capsys, "polish", str(tmp_path / "p" / "model.evobin"), "--data", "other.csv", *again)
    for more in (["--hidden", "4"], ["--bits", "3"], ["--categorical", "age"]):
        told = refusal(capsys, "polish", "run/model.evobin", "--data", "other.csv", *more, code=2)
        assert told.startswith("`hidden`, `bits` and `categorical` are for a new network, but a m")


@pytest.mark.parametrize("workers", ["2", "threads"])
def test_workers_and_a_resume_change_no_byte(workers: str, capsys: Capture, tmp_path: Path) -> None:
    steps: list[int] = []
    config = evobin.SearchConfig(
        data=Path("pets.csv"), label="sold", drop=("id",), hidden=(8,), test_share=0.2,
        n_jobs=2, backend="threading" if workers == "threads" else "auto", report=False,
        ste=evobin.SteConfig(starts=2, epochs=6), flips=evobin.FlipConfig(sweeps=2),
        population=evobin.PopulationConfig(rounds=0), out=tmp_path / "run", checkpoint_seconds=0,
    )  # fmt: skip
    with pytest.raises(evobin.Stopped, match="evobin resume"):
        evobin.search(config, lambda _: steps.append(0), lambda: len(steps) > 5)
    assert (tmp_path / "run" / "result.txt").exists()
    answer(capsys, "resume", str(tmp_path / "run"), "--n-jobs", "1", "--quiet", "--no-report")
    for name in ("result.txt", "model.evobin", "summary.json", "clips.csv"):
        assert (tmp_path / "run" / name).read_bytes() == Path("run", name).read_bytes()


def test_a_resume_refuses_a_table_that_has_changed(capsys: Capture, tmp_path: Path) -> None:
    frame, steps = pets(120, 0), list[int]()
    frame.to_csv(tmp_path / "t.csv", index=False)
    config = evobin.SearchConfig(
        data=tmp_path / "t.csv", label="sold", drop=("id",), out=tmp_path / "run", n_jobs=1,
        ste=evobin.SteConfig(starts=1, epochs=6), checkpoint_seconds=0,
    )  # fmt: skip
    with pytest.raises(evobin.Stopped):
        evobin.search(config, lambda _: steps.append(0), lambda: len(steps) > 5)
    frame["weight"] += 1e-6
    frame.to_csv(tmp_path / "t.csv", index=False)
    told = refusal(capsys, "resume", str(tmp_path / "run"), "--quiet")
    assert "the samples are not those that the run began with; restore them, or start" in told


def test_names_of_rows_are_quoted_where_csv_needs_it(capsys: Capture) -> None:
    names = ["a,b", 'say "hi"', "two\nlines", "tab\there"]
    pets(4, 1).assign(name=names).to_csv("names.csv", index=False)
    out = answer(capsys, "predict", "run/model.evobin", "names.csv", "--id", "name")
    assert pd.read_csv(io.StringIO(out))["name"].tolist() == names


BAD = """kind,weight,age
cat,1,2
dog,,3
cow,oops,4
cat,5
emu,6,NA
cat,inf,7
"""


def test_predict_answers_the_good_rows_and_names_the_others(capsys: Capture) -> None:
    Path("bad.csv").write_text(BAD)
    capsys.readouterr()
    assert main(["predict", "run/model.evobin", "bad.csv"]) == 1
    out, err = capsys.readouterr()
    assert [line.split(",")[0] for line in out.splitlines()] == ["line", "2", "6"]
    assert [line.removeprefix("evobin: bad.csv, ") for line in err.splitlines()] == [
        "line 3, column 'weight': is missing, as it never was in training; fill it in.",
        "line 4, column 'weight': expected a number, found 'oops'; correct it.",
        "line 5: has 2 cells, but the header has 3; correct it.",
        "line 7, column 'weight': must be finite, but it is inf; correct it, or leave it empty.",
    ]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            {"age": None},
            "there is no column 'age'; columns are kind, weight. It is one of the feat",
        ),
        (
            {"aga": "age"},
            "there is no column 'age'; did you mean 'aga'? It is one of the features.",
        ),
        ({"more": 1}, "column 'more' is no known feature; leave it out with --drop more."),
        (
            {"age": "old"},
            "column 'age': must hold numbers, as in training, but it holds 'old' in li",
        ),
        (
            {"kind": 3},
            "column 'kind': must hold words as 'cat', as in training, but it holds '3'; c",
        ),
    ],
)
@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_a_column_that_is_not_as_in_training_is_named(
    command: str, change: dict[str, Any], expected: str, capsys: Capture
) -> None:
    frame = pets(5, 2).drop(columns=["id", "same"])
    for name, value in change.items():
        if value is None:
            frame = frame.drop(columns=name)
        elif value == "age":
            frame = frame.rename(columns={"age": name})
        else:
            frame[name] = value
    if command == "predict":
        frame = frame.drop(columns="sold")
    frame.to_csv("wrong.csv", index=False)
    data = ["wrong.csv"] if command == "predict" else ["--data", "wrong.csv"]
    told = refusal(capsys, command, "run/model.evobin", *data)
    expected = expected.replace("kind, weight.", "kind, weight") if command == "x" else expected
    if command == "evaluate":
        expected = expected.replace("kind, weight. It is one of the feat", "kind, weight, sold. It")
    assert expected in told


def test_another_label_may_stand_beside_the_usual_one(capsys: Capture) -> None:
    frame = pets(40, 1)
    frame.assign(truth=frame["sold"], sold="yes").to_csv("two.csv", index=False)
    expected = answer(capsys, "evaluate", "run/model.evobin", "--data", "other.csv")
    told = answer(capsys, "evaluate", "run/model.evobin", "--data", "two.csv", "--label", "truth")
    assert told == expected


def test_groups_are_counted_where_they_are_named(capsys: Capture) -> None:
    pets(40, 1).assign(who=[f"w{i // 4}" for i in range(40)]).to_csv("who.csv", index=False)
    told = answer(capsys, "evaluate", "run/model.evobin", "--data", "who.csv", "--group", "who")
    assert "40 samples of 10 groups" in told


def test_columns_that_the_model_does_not_know_can_be_left_out(capsys: Capture) -> None:
    pets(5, 2).assign(more=1).to_csv("more.csv", index=False)
    for command in (["predict"], ["evaluate", "--data"]):
        name, *data = command
        assert answer(capsys, name, "run/model.evobin", *data, "more.csv", "--drop", "more")


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (
            ["--data", "pets.csv"],
            "pets.csv: --label must name the column of classes; columns are id",
        ),
        (
            ["--data", "pets.csv", "--label", "solt"],
            "there is no column 'solt'; did you mean 'sold'?",
        ),
        (["--data", "none.csv", "--label", "sold"], "none.csv: does not exist; check its name"),
        (
            ["--data", "pets.csv", "--label", "id"],
            "must be of 2 to 100 classes, but they are of 120",
        ),
        (
            ["--data", "arrays.npz", "--valid", "pets.csv"],
            "pets.csv: there is no column 'y'; columns",
        ),
        (
            ["--data", "pets.csv", "--label", "sold", "--bits", "32", "--test", "pets.csv"],
            "is named t",
        ),
    ],
)
def test_a_search_says_what_is_wrong_with_a_table_and_writes_nothing(
    argv: list[str], expected: str, capsys: Capture
) -> None:
    assert expected in refusal(capsys, "search", *argv, "--out", "bad", "--quiet")


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (
            ["--hidden", "8", "--architecture", "run"],
            "`hidden` and `architecture` exclude each other",
        ),
        (["--architecture", "run"], "`architecture` is for files, but `data` is a table"),
        (["--groups", "g.tsv"], "`groups` is for lists of files; name the column of a table by"),
        (
            ["--features", "f"],
            "`label` is for a table, but `features` makes `data` a list of files",
        ),
    ],
)
def test_settings_that_contradict_a_table_are_refused_in_one_line(
    argv: list[str], expected: str, capsys: Capture
) -> None:
    told = refusal(
        capsys, "search", "--data", "pets.csv", "--label", "sold", *argv, "--quiet", code=2
    )
    assert expected in told
    assert len(told.splitlines()) == 1


def test_a_tsv_file_alone_may_be_a_list_or_a_table(capsys: Capture) -> None:
    for command in (["search"], ["evaluate", "run/model.evobin"]):
        told = refusal(capsys, *command, "--data", "pets.tsv", code=2)
        assert told.startswith("`data` needs `features`, the folder of the files that it lists, or")


def test_a_network_over_time_takes_no_table(capsys: Capture, tmp_path: Path) -> None:
    shape = evobin.SPEAKER_SEX
    network = evobin.BinaryNetwork(shape, np.ones(shape.n_weights))
    network.save(tmp_path / "r.txt")
    for argv in (
        ["predict", str(tmp_path / "r.txt"), "new.csv"],
        ["evaluate", str(tmp_path / "r.txt"), "--data", "other.csv", "--label", "sold"],
    ):
        told = refusal(capsys, *argv)
        assert "the model takes clips of many frames, not rows of a table; name feature fil" in told


def test_a_table_is_predicted_alone(capsys: Capture) -> None:
    told = refusal(capsys, "predict", "run/model.evobin", "new.csv", "a.npy")
    assert told == "new.csv: is a table, but other files are named, too; name it alone.\n"
    told = refusal(capsys, "predict", "run/model.evobin", "a.npy", "--id", "id", code=2)
    assert told.startswith("`id` and `drop` name columns, but no table is named")


def test_a_model_without_names_takes_columns_by_place(capsys: Capture) -> None:
    frame = pets(60, 3)
    numbered = frame[["age", "kind", "weight"]].set_axis([0, 1, 2], axis=1)
    model = evobin.BinaryClassifier((4,), effort="quick", search=False, refit=False, n_jobs=1)
    model.fit(numbered, frame["sold"]).save("numbered.evobin")
    frame[["sold", "age", "kind", "weight"]].to_csv("first.csv", index=False)
    told = answer(
        capsys, "evaluate", "numbered.evobin", "--data", "first.csv", "--label", "sold", "--json"
    )
    assert json.loads(told)["accuracy"] == model.score(numbered, frame["sold"])
    told = refusal(capsys, "predict", "numbered.evobin", "first.csv")
    assert told == (
        "first.csv: has 4 columns of features, but the model takes 3, without names; leave others "
        "out with --drop.\n"
    )


def test_arrays_are_taken_by_a_model_of_a_table_of_numbers(capsys: Capture, tmp_path: Path) -> None:
    frame = pets(60, 3)[["weight", "id", "sold"]]
    model = evobin.BinaryClassifier((4,), effort="quick", search=False, refit=False, n_jobs=1)
    model.fit(frame.drop(columns="sold"), frame["sold"]).save(tmp_path / "m.evobin")
    np.savez(tmp_path / "a.npz", X=frame[["weight", "id"]], y=frame["sold"].to_numpy(str))
    data = ["--data", str(tmp_path / "a.npz"), "--json"]
    told = answer(capsys, "evaluate", str(tmp_path / "m.evobin"), *data)
    assert json.loads(told)["accuracy"] == model.score(frame.drop(columns="sold"), frame["sold"])
    told = refusal(capsys, "predict", "run/model.evobin", str(tmp_path / "a.npz"))
    assert "X has 2 columns, but it must have 3." in told
    np.savez(tmp_path / "b.npz", X=np.ones((2, 3)))
    told = refusal(capsys, "predict", "run/model.evobin", str(tmp_path / "b.npz"))
    assert "holds numbers only, but the model takes words too; name a csv or parquet file" in told


def test_a_network_of_plain_vectors_takes_a_table_by_place(capsys: Capture, tmp_path: Path) -> None:
    shape = evobin.Architecture(2, (evobin.ConvBlock(3, 1),), frames=1)
    network = evobin.BinaryNetwork(shape, np.where(np.arange(shape.n_weights) % 3, 1, -1))
    evobin.Model(network).save(tmp_path / "m.evobin")
    Path("xy.csv").write_text("u,v\n1,2\n-3,4\n-5,-6\n7,\n")
    capsys.readouterr()
    assert main(["predict", str(tmp_path / "m.evobin"), "xy.csv"]) == 1
    out, err = capsys.readouterr()
    found = network.predict([np.array([row]) for row in ([1.0, 2.0], [-3.0, 4.0], [-5.0, -6.0])])
    assert out.splitlines()[1:] == [f"{line},{label}" for line, label in enumerate(found, 2)]
    assert err.startswith("evobin: xy.csv, line 5, column 'v': is missing, as it never was in trai")
