"""One word for what an operator does, whichever format it comes from, so that files of two formats can be compared."""

from __future__ import annotations

import re

# family: the kinds of TFLite, ONNX, TensorFlow and Keras, as `_plain` writes them.
_KINDS = {
    "convolution": "conv conv1d conv2d conv3d fusedconv2d qlinearconv convinteger",
    "depthwise convolution": "depthwiseconv2d depthwiseconv2dnative fuseddepthwiseconv2dnative depthwiseconv1d",
    "separable convolution": "separableconv2d separableconv1d",
    "transposed convolution": "convtranspose conv1dtranspose conv2dtranspose transposeconv conv2dbackpropinput",
    "dense": "dense fullyconnected gemm fusedmatmul",
    "matrix product": "matmul batchmatmul batchmatmulv2 einsum qlinearmatmul matmulinteger dot",
    "bias": "biasadd",
    "normalisation": "batchnormalization batchnorm fusedbatchnorm fusedbatchnormv2 fusedbatchnormv3 l2normalization "
    "layernormalization groupnormalization instancenormalization localresponsenormalization lrn lpnormalization "
    "unitnormalization",
    "activation": "relu relu6 relun1to1 reluN leakyrelu prelu elu selu gelu swish silu mish hardswish hardsigmoid clip "
    "clipbyvalue activation softplus softsign thresholdedrelu",
    "sigmoid": "sigmoid logistic",
    "tanh": "tanh",
    "softmax": "softmax logsoftmax",
    "max pool": "maxpool maxpool2d maxpooling2d maxpoolwithargmax",
    "average pool": "avgpool averagepool averagepool2d averagepooling2d",
    "global pool": "globalaveragepool globalaveragepooling2d globalmaxpool globalmaxpooling2d",
    "mean": "mean reducemean",
    "sum": "add addv2 addn sum",
    "difference": "sub subtract squareddifference",
    "product": "mul multiply",
    "quotient": "div divide realdiv floordiv truediv",
    "maximum": "max maximum reducemax argmax topk topkv2",
    "minimum": "min minimum reducemin argmin",
    "concatenation": "concat concatv2 concatenate concatenation",
    "stack": "pack stack",
    "unstack": "unpack unstack split splitv",
    "pad": "pad padv2 mirrorpad zeropadding2d zeropadding1d",
    "crop": "crop cropping2d",
    "resize": "resize resizebilinear resizenearestneighbor upsample upsampling2d resizing",
    "reshape": "reshape flatten squeeze unsqueeze expanddims repeatvector",
    "transpose": "transpose permute",
    "slice": "slice stridedslice gather gathernd gatherv2 gatherelements",
    "space and depth": "spacetodepth depthtospace spacetobatchnd batchtospacend",
    "quantise": "quantize quantizelinear dynamicquantizelinear quantizev2 fakequant fakequantwithminmaxvars",
    "dequantise": "dequantize dequantizelinear",
    "cast": "cast",
    "identity": "identity dropout noop stopgradient gaussiannoise spatialdropout2d",
    "constant": "const constant constantofshape fill zeroslike range",
    "input": "placeholder inputlayer",
    "scale": "rescaling normalization",
    "nested model": "functional model sequential while if partitionedcall statefulpartitionedcall",
    "decoder of poses": "posenetdecoderop",
    "Edge TPU program": "edgetpucustomop",
    "KPU program": "kpuconv2d kpucall",
}
_FAMILY = {kind.lower(): family for family, kinds in _KINDS.items() for kind in kinds.split()}


def family(kind: str) -> str:
    """The family of a kind of operator, such as "convolution" for CONV_2D, Conv and Conv2D; else the kind itself."""
    return _FAMILY.get(re.sub(r"[^a-z0-9]", "", kind.lower()), kind)
