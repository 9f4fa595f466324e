"""Keras models as `ModelGraph`, from their configuration, without Keras: nothing of the file is built or run."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from typing import Any

from posecore.errors import ModelError
from posecore.export.graphs.graph_builder import GraphBuilder
from posecore.export.graphs.keras_layers import NOT_KNOWN, layer_facts
from posecore.export.graphs.model_graph import Shape
from posecore.printable import printable

MOST_LAYERS = 50_000
MOST_DEPTH = 8
_MOST_INPUTS = 4096
_MOST_AXES = 16
_MODELS = ("Functional", "Model", "Sequential")
_UNSAID = frozenset({"name", "trainable", "dtype", "batch_input_shape", "batch_shape", "ragged", "sparse"})

Key = tuple[str, int, int]
"""Which output of which call of a layer a tensor is."""


def add_keras(builder: GraphBuilder, model: object) -> list[int]:
    """Adds the layers of a model's configuration; gives the tensor numbers of the outputs.

    Models inside of models are shown with their layers, whose names are "model/layer".
    Raises ModelError, naming the file, for anything but a functional or sequential model.
    """
    walk = _Walk(builder)
    outputs = walk.model(model, "", None, 0)
    if not outputs:
        raise ModelError(f"{builder.file} holds a Keras model without outputs")
    return outputs


class _Walk:
    def __init__(self, builder: GraphBuilder) -> None:
        self._builder = builder
        self._left = MOST_LAYERS

    def _fail(self, why: str) -> ModelError:
        return ModelError(f"{self._builder.file} does not hold a Keras model that can be read: {why}")

    def model(self, model: object, prefix: str, given: list[int] | None, depth: int) -> list[int]:
        """The outputs of a model; `given` are the tensors that it is called with, None for the outermost."""
        if depth > MOST_DEPTH:
            raise self._fail(f"models lie in models more than {MOST_DEPTH} deep")
        if not isinstance(model, dict) or not isinstance(model.get("config"), (dict, list)):
            raise self._fail("a model has no config")
        kind, config = model.get("class_name"), model["config"]
        if kind not in _MODELS:
            raise self._fail(
                f"its class is {printable(str(kind)[:60])}, wanted a functional or sequential model; the layers of "
                "others are known to their own program only"
            )
        if isinstance(config, list) and kind != "Sequential":
            raise self._fail("a functional model has a list for its config")
        layers = config if isinstance(config, list) else config.get("layers")
        if not isinstance(layers, list) or not all(isinstance(layer, dict) for layer in layers):
            raise self._fail("a model has no list of layers")
        if kind == "Sequential":
            return self._sequential(layers, prefix, given, depth)
        return self._functional(config, layers, prefix, given, depth)

    def _sequential(
        self, layers: list[dict[str, Any]], prefix: str, given: list[int] | None, depth: int
    ) -> list[int]:
        last = list(given or [])
        for layer in layers:
            is_input = layer.get("class_name") == "InputLayer"
            if not last:
                last = [self._input(layer, prefix + _name(layer))]
            if not is_input:
                last = self._call(layer, prefix + _name(layer), last, depth, first=True)
        return last

    def _functional(
        self,
        config: Mapping[str, Any],
        layers: list[dict[str, Any]],
        prefix: str,
        given: list[int] | None,
        depth: int,
    ) -> list[int]:
        made: dict[Key, int] = {}
        if given is not None:
            made.update(zip((key for _, key in _ends(config.get("input_layers"))), given, strict=False))
        calls: list[tuple[dict[str, Any], int, list[Key]]] = []
        for layer in layers:
            if layer.get("class_name") == "InputLayer":
                key = (_name(layer), 0, 0)
                if key not in made:
                    made[key] = self._input(layer, prefix + key[0])
                continue
            nodes = layer.get("inbound_nodes")
            for call, node in enumerate(nodes if isinstance(nodes, list) else ()):
                calls.append((layer, call, self._sources(node)))
        self._run(calls, made, prefix, depth)
        ends = _ends(config.get("output_layers"))
        unknown = [key[0] for _, key in ends if key not in made]
        if unknown:
            raise self._fail(f"its output {printable(unknown[0][:80])} is made by no layer")
        if given is None:
            for name, key in ends:
                if name:
                    self._builder.rename(made[key], printable(name))
        return [made[key] for _, key in ends]

    def _run(
        self,
        calls: list[tuple[dict[str, Any], int, list[Key]]],
        made: dict[Key, int],
        prefix: str,
        depth: int,
    ) -> None:
        """Adds the calls, each after those whose tensors it reads, otherwise in the file's order."""
        missing = [len({key for key in keys if key not in made}) for _, _, keys in calls]
        readers: dict[Key, list[int]] = {}
        for index, (_, _, keys) in enumerate(calls):
            for key in set(keys):
                if key not in made:
                    readers.setdefault(key, []).append(index)
        ready = [index for index, count in enumerate(missing) if count == 0]
        done = 0
        while ready:
            layer, call, keys = calls[heapq.heappop(ready)]
            done += 1
            name = _name(layer)
            sources = [made[key] for key in keys]
            for output, number in enumerate(
                self._call(layer, prefix + name, sources, depth, first=call == 0)
            ):
                key = (name, call, output)
                made[key] = number
                for reader in readers.pop(key, ()):
                    missing[reader] -= 1
                    if missing[reader] == 0:
                        heapq.heappush(ready, reader)
        if done < len(calls):
            lost = next(key[0] for key in readers)
            raise self._fail(f"a layer reads {printable(lost[:80])}, which nothing makes before it")

    def _input(self, layer: Mapping[str, Any], name: str) -> int:
        inner = layer.get("config")
        config = inner if isinstance(inner, dict) else {}
        built = layer.get("build_config")
        said = config.get("batch_shape", config.get("batch_input_shape"))
        if said is None and isinstance(built, dict):
            said = built.get("input_shape")
        number = self._builder.tensor(printable(name[:400]), _shape(said), _dtype(config))
        self._builder.input(number)
        return number

    def _call(
        self,
        layer: Mapping[str, Any],
        name: str,
        sources: list[int],
        depth: int,
        *,
        first: bool,
    ) -> list[int]:
        self._left -= 1
        if self._left < 0:
            raise self._fail(f"it has more than {MOST_LAYERS} layers")
        inner = layer.get("config")
        config = inner if isinstance(inner, dict) else {}
        kind = layer.get("class_name")
        kind = printable(kind[:80]) if isinstance(kind, str) else "?"
        if kind in _MODELS:
            return self.model(layer, f"{name}/", sources, depth + 1)
        registered = layer.get("registered_name")
        own = isinstance(registered, str) and ">" in registered
        shape = self._builder.shape(sources[0]) if sources else None
        facts = NOT_KNOWN if own else layer_facts(kind, config, shape)
        explained: tuple[str, ...] = ()
        if kind == "Lambda":
            explained = (
                "A Lambda layer is Python code that is kept in the file; posecore does not run it, here or anywhere.",
            )
        elif facts is NOT_KNOWN:
            explained = (f"{kind} is a layer whose parameters and shapes cannot be told from the file.",)
        number = self._builder.tensor(printable(name[:400]), None, _dtype(config))
        self._builder.operator(
            printable(name[:400]),
            kind,
            sources,
            [number],
            options=_options(config),
            rule=facts.rule,
            work=facts.work,
            parameters=facts.parameters if first else 0,
            multiplies=facts.multiplies,
            is_custom=own or kind == "Lambda",
            explained=explained,
        )
        return [number]

    def _sources(self, node: object) -> list[Key]:
        """The tensors that one call of a layer reads: Keras 3's arguments, or Keras 2's lists of names."""
        found: list[Key] = []
        stack: list[object] = [node]
        seen = 0
        while stack:
            seen += 1
            if seen > _MOST_INPUTS:
                raise self._fail(f"a layer has more than {_MOST_INPUTS} arguments")
            item = stack.pop()
            if isinstance(item, dict):
                config = item.get("config")
                if item.get("class_name") == "__keras_tensor__" and isinstance(config, dict):
                    key = _key(config.get("keras_history"))
                    if key is None:
                        raise self._fail("an argument of a layer is not said to be made by one")
                    found.append(key)
                else:
                    stack.extend(reversed(list(item.values())))
            elif isinstance(item, list):
                key = _key(item)
                if key is not None:
                    found.append(key)
                else:
                    stack.extend(reversed(item))
        return found


def _key(value: object) -> Key | None:
    """["layer", call, output], with more behind it in Keras 2."""
    if not isinstance(value, list) or len(value) < 3 or not isinstance(value[0], str):
        return None
    call, output = value[1], value[2]
    if type(call) is not int or type(output) is not int:
        return None
    return value[0], call, output


def _ends(value: object, name: str = "", depth: int = 0) -> list[tuple[str, Key]]:
    """Inputs or outputs of a model: one key, a list of them, or a dict by name."""
    key = _key(value)
    if key is not None:
        return [(name, key)]
    if depth > 4:
        return []
    if isinstance(value, dict):
        return [end for each, inner in value.items() for end in _ends(inner, str(each)[:400], depth + 1)]
    if isinstance(value, list):
        return [end for inner in value[:_MOST_INPUTS] for end in _ends(inner, name, depth + 1)]
    return []


def _name(layer: Mapping[str, Any]) -> str:
    config = layer.get("config")
    name = layer.get("name") or (config.get("name") if isinstance(config, dict) else None)
    return name if isinstance(name, str) else "?"


def _shape(value: object) -> Shape:
    if not isinstance(value, list) or len(value) > _MOST_AXES:
        return None
    sizes = [-1 if side is None else side for side in value]
    if not all(type(side) is int and -1 <= side < 1 << 31 for side in sizes):
        return None
    return tuple(sizes)


def _dtype(config: Mapping[str, Any]) -> str:
    said = config.get("dtype", "float32")
    if isinstance(said, dict):
        inner = said.get("config")
        said = inner.get("name") if isinstance(inner, dict) else ""
    return printable(said[:40]) if isinstance(said, str) else ""


def _options(config: Mapping[str, Any]) -> dict[str, object]:
    """What tells two layers apart; how they were initialised and regularised does not."""
    found: dict[str, object] = {}
    for key, value in config.items():
        if (
            key in _UNSAID
            or key.endswith(("_initializer", "_regularizer", "_constraint"))
            or len(found) >= 64
        ):
            continue
        if key == "activation" and isinstance(value, dict):
            value = value.get("class_name")
        if isinstance(value, (bool, int, float, str)) and value not in (None, "linear"):
            found[key[:80]] = value
        elif isinstance(value, list) and value and not any(isinstance(item, dict) for item in value):
            found[key[:80]] = tuple(
                item if isinstance(item, (bool, int, float, str)) else str(item)[:80] for item in value[:64]
            )
    return found
