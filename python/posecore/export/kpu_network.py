"""`KpuNetwork`: a Keras model as the layers that K210's KPU runs, and rebuilt so that it runs nothing else.

The KPU convolves 1 x 1 and 3 x 3, with stride 1 and zeros all around, or 3 x 3 with stride 2 and one row or column of
zeros on each side; what follows a convolution (batch normalisation, an activation of one number) is part of it.
TensorFlow's padding="same" puts the zeros of an even size at the end only: nncase then pads on the CPU, 23 operators
and 7.7 MB in place of 4 and 1.6 for PoseNet 0.75 at 224 x 224. So "same" with stride 2 becomes zeros on all sides,
which is the same network on odd sizes and keeps its grid on even ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from posecore.errors import ModelError, require
from posecore.export.alignment import keeps_grid
from posecore.export.contract import Contract, outputs_by_name
from posecore.printable import printable

MOST_CHANNELS = 1024
_SHOWN_CAUSES = 4


@dataclass(frozen=True, slots=True)
class KpuLayer:
    """One convolution with what follows it.

    Attributes:
        name: that of the Keras layer.
        source: the number of the layer that it reads, -1 is the picture.
        channels: how many it gives.
        kernel: 1 or 3.
        stride: 1 or 2.
        depthwise: each channel for itself.
    """

    name: str
    source: int
    channels: int
    kernel: int
    stride: int
    depthwise: bool


@dataclass(frozen=True, slots=True)
class KpuNetwork:
    """The layers in the order that they run in; `name` is the model's. The picture has 3 channels."""

    name: str
    layers: tuple[KpuLayer, ...]

    @property
    def stride_px(self) -> int:
        """The most input pixels that a cell of a layer spans; it divides the sides of every input."""
        strides: list[int] = []
        for layer in self.layers:
            strides.append(layer.stride * (strides[layer.source] if layer.source >= 0 else 1))
        return max(strides, default=1)


def kpu_network(found: Contract) -> KpuNetwork:
    """What the KPU runs of a model.

    Raises:
        ModelError: a layer that the KPU cannot run; the sentence names the first ones, and why.
    """
    return _Walk(found).network()


def rebuilt(found: Contract, size: tuple[int, int]) -> Any:
    """The model as a `keras.Model` that the KPU runs whole: input `image` float32 (1, height, width, 3), outputs a
    dict of the contract's heads in their order, zeros on all sides before each stride, and the weights of `found`.

    Args:
        size: (width, height) in pixels, which `KpuNetwork.stride_px` divides.

    Raises:
        ModelError: as `kpu_network`; and a network that was built for sides on which Keras' own padding has its zeros
            at one end, and has learnt from pictures that lie so.
    """
    keras = require("keras", extra="export", purpose="Exporting a model")
    walk = _Walk(found)
    walk.network()
    _refuse_other_grid(found)
    width, height = size
    image = keras.Input((height, width, 3), batch_size=1, name="image")
    made: dict[int, Any] = {id(found.model.inputs[0]): image}
    for layer in walk.layers:
        if isinstance(layer, keras.layers.InputLayer):
            continue
        x = made[id(layer.input)]
        if type(layer) in walk.nothing:
            made[id(layer.output)] = x
            continue
        config = {**layer.get_config(), "dtype": "float32"}
        if walk.pads_itself(layer):
            config["padding"] = "valid"
            x = keras.layers.ZeroPadding2D(1, name=f"{layer.name}_pad")(x)
        copy = type(layer).from_config(config)
        made[id(layer.output)] = copy(x)
        copy.set_weights(layer.get_weights())
    outputs = outputs_by_name(found.model)
    return keras.Model(
        image, {head.name: made[id(outputs[head.source])] for head in found.heads}, name=found.model.name
    )


def _refuse_other_grid(found: Contract) -> None:
    own, step = found.input_size, max(round(found.stride_px), 1)
    if own is None or keeps_grid(found.model, (1, 1), own, found.stride_px):
        return
    raise ModelError(
        f"{found.model.name}: wanted a network that has its zeros on all sides, as the KPU has them, got one for "
        f'{own[1]}x{own[0]} (height x width), where padding "same" puts them at one end and moves the grid: train it '
        f'with the option padding = "explicit", or at sides of {step} n + 1'
    )


class _Walk:
    """The layers behind the heads, in order, and what each is for the KPU."""

    def __init__(self, found: Contract) -> None:
        self.keras = require("keras", extra="export", purpose="Exporting a model")
        self.found = found
        layers = self.keras.layers
        self.nothing = (layers.Dropout, layers.SpatialDropout2D)
        self.convolutions = (layers.Conv2D, layers.DepthwiseConv2D)
        self.causes: dict[str, list[str]] = {}  # the layers by what is against them
        self.layers = self._needed()
        self.listeners: dict[int, list[Any]] = {}
        for layer in self.layers:
            if not isinstance(layer, layers.InputLayer):
                self.listeners.setdefault(id(layer.input), []).append(layer)

    def network(self) -> KpuNetwork:
        """Raises ModelError where something is not for the KPU."""
        # What a tensor is: the number of the layer that makes it, and how far it is: nothing may come between a
        # convolution and its batch normalisation, or between those and the activation.
        made: dict[int, tuple[int, str]] = {id(self.found.model.inputs[0]): (-1, "finished")}
        network: list[KpuLayer] = []
        for layer in self.layers:
            if isinstance(layer, self.keras.layers.InputLayer):
                continue
            number, state = made.get(id(layer.input), (-1, "finished"))
            state, why = self._state(layer, state, network[number].channels if number >= 0 else 3)
            if why:
                self.causes.setdefault(why, []).append(layer.name)
            elif type(layer) in self.convolutions:
                depthwise = type(layer) is self.keras.layers.DepthwiseConv2D
                channels = int(layer.output.shape[-1])
                stride, kernel = layer.strides[0], layer.kernel_size[0]
                network.append(KpuLayer(layer.name, number, channels, kernel, stride, depthwise))
                number = len(network) - 1
            made[id(layer.output)] = number, state
        self._check_depthwise(network)
        self._refuse()
        return KpuNetwork(self.found.model.name, tuple(network))

    def pads_itself(self, layer: Any) -> bool:
        """Whether it is a convolution with stride whose padding is "same"."""
        return type(layer) in self.convolutions and layer.strides[0] == 2 and layer.padding == "same"

    def _needed(self) -> list[Any]:
        """The layers that the heads depend on, in the model's order."""
        model = self.found.model
        makers: dict[int, Any] = {}
        for layer in model.layers:
            if len(getattr(layer, "_inbound_nodes", ())) == 1 and not isinstance(layer, self.keras.Model):
                for tensor in self.keras.tree.flatten(layer.output):
                    makers[id(tensor)] = layer
        outputs = outputs_by_name(model)
        needed: set[int] = set()
        wanted = [outputs[head.source] for head in self.found.heads]
        while wanted:
            tensor = wanted.pop()
            layer = makers.get(id(tensor))
            if layer is None:
                raise ModelError(
                    f"{model.name}: K210's KPU cannot run it: it shares a layer or has a model inside of it, near "
                    f"{printable(str(tensor.name))}"
                )
            if id(layer) in needed:
                continue
            needed.add(id(layer))
            inputs = (
                []
                if isinstance(layer, self.keras.layers.InputLayer)
                else self.keras.tree.flatten(layer.input)
            )
            if len(inputs) > 1:
                why = f"({type(layer).__name__}) joins {len(inputs)} tensors, which is the CPU's work"
                self.causes.setdefault(why, []).append(layer.name)
            wanted += inputs
        self._refuse()
        return [layer for layer in model.layers if id(layer) in needed]

    def _state(self, layer: Any, state: str, channels: int) -> tuple[str, str]:
        """How far its output is, and why the KPU cannot run it; "" where it can."""
        layers = self.keras.layers
        if type(layer) in self.convolutions:
            return ("convolved" if _is_linear(layer, self.keras) else "finished"), self._why_not(
                layer, state, channels
            )
        if type(layer) in self.nothing:
            return state, ""
        if type(layer) is layers.ZeroPadding2D:
            wanted = tuple(map(tuple, layer.padding)) == ((1, 1), (1, 1))
            halved = all(type(one) in self.convolutions and one.strides[0] == 2 for one in self._after(layer))
            return (
                "padded",
                "" if wanted and halved else f"pads by {layer.padding} where no stride of 2 follows",
            )
        alone = len(self._after(layer, of_input=True)) == 1
        if type(layer) is layers.BatchNormalization:
            fits = state == "convolved" and alone and layer.axis in (-1, 3)
            return "normalised", "" if fits else "normalises what no convolution makes for it alone"
        if _is_activation(layer, self.keras):
            fits = state in ("convolved", "normalised") and alone
            return "finished", "" if fits else "activates what no convolution makes for it alone"
        if type(layer) is layers.Conv2DTranspose:
            return "finished", "is a transposed convolution, which nncase cannot compile for it"
        return "finished", f"({type(layer).__name__}) is the CPU's work"

    def _after(self, layer: Any, *, of_input: bool = False) -> list[Any]:
        """The layers that read what it gives, or what it takes."""
        return self.listeners.get(id(layer.input if of_input else layer.output), [])

    def _why_not(self, layer: Any, state: str, channels: int) -> str:
        depthwise = type(layer) is self.keras.layers.DepthwiseConv2D
        kernel, stride = tuple(layer.kernel_size), tuple(layer.strides)
        if not depthwise and layer.groups != 1:
            return f"has {layer.groups} groups of channels, on which nncase never ends"
        if depthwise and layer.depth_multiplier != 1:
            return f"makes {layer.depth_multiplier} channels of each, which nncase cannot compile"
        if tuple(layer.dilation_rate) != (1, 1):
            return (
                f"is dilated by {layer.dilation_rate[0]}, which is the CPU's work: build the network with its own "
                "stride (output_stride 16 for MobileNet 0.50 and 0.75, 32 for 1.00)"
            )
        if kernel not in ((1, 1), (3, 3)) or (depthwise and kernel != (3, 3)):
            return f"has a kernel of {kernel[0]}x{kernel[1]}, the KPU {'3x3' if depthwise else '1x1 and 3x3'}"
        if stride not in ((1, 1), (2, 2)) or (stride == (2, 2) and kernel == (1, 1)):
            return f"has a stride of {stride[0]}x{stride[1]} at {kernel[0]}x{kernel[1]}, the KPU 2x2 at 3x3 alone"
        if layer.data_format != "channels_last":
            return "has its channels first"
        if max(channels, int(layer.output.shape[-1])) > MOST_CHANNELS:
            return f"has more than the KPU's {MOST_CHANNELS} channels"
        if not _has_activation(layer, self.keras):
            return "has an activation that the KPU does not have"
        if kernel == (3, 3) and (layer.padding == "valid") != (state == "padded"):
            return (
                "has no zeros around its input, or twice" if stride == (1, 1) else "has no zeros on all sides"
            )
        return ""

    def _check_depthwise(self, network: list[KpuLayer]) -> None:
        """nncase gives the stride of a depthwise convolution to the 1x1 convolution behind it."""
        for number, layer in enumerate(network):
            after = [other for other in network if other.source == number]
            if layer.depthwise and layer.stride == 2 and [other.kernel for other in after] != [1]:
                why = "has a stride, and not one convolution of 1x1 follows it"
                self.causes.setdefault(why, []).append(layer.name)

    def _refuse(self) -> None:
        """Raise where there are causes."""
        if not self.causes:
            return
        said = [
            f"{names[0]}{f' (and {len(names) - 1} more)' if len(names) > 1 else ''} {why}"
            for why, names in self.causes.items()
        ]
        more = f"; and {len(said) - _SHOWN_CAUSES} more" if len(said) > _SHOWN_CAUSES else ""
        raise ModelError(
            f"{self.found.model.name}: K210's KPU cannot run it: {'; '.join(said[:_SHOWN_CAUSES])}{more}"
        )


def _is_linear(layer: Any, keras: Any) -> bool:
    return layer.activation is None or layer.activation is keras.activations.linear


def _has_activation(layer: Any, keras: Any) -> bool:
    ours = (
        keras.activations.relu,
        keras.activations.relu6,
        keras.activations.sigmoid,
        keras.activations.leaky_relu,
    )
    return _is_linear(layer, keras) or layer.activation in ours


def _is_activation(layer: Any, keras: Any) -> bool:
    layers = keras.layers
    if type(layer) is layers.ReLU:
        return layer.max_value in (None, 6) and layer.threshold == 0
    if type(layer) is layers.LeakyReLU:
        return True
    return type(layer) is layers.Activation and _has_activation(layer, keras)
