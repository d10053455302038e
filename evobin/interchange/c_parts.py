"""The parts of a C file that depend on the number of logits and the length of the samples."""

from __future__ import annotations

from evobin.network.architecture import Architecture

_RETURNS = """\
 * Returns the label, {labels}; or -1 if t is below {n} or above EVOBIN_MAX_FRAMES, or a feature
 * is not finite."""
_RETURNS_FIXED = """\
 * Returns the label, {labels}; or -1 if t is not {n} or a feature is not finite."""
_LONGER = "; longer samples, with -DEVOBIN_MAX_FRAMES=..., need more"
_CHECK = """\
    if (t < {n} || t > EVOBIN_MAX_FRAMES)
        return 0;"""
_CHECK_FIXED = """\
    if (t != {n})
        return 0;{joined}"""
_JOINED = """
    t = 1; /* all features at once, as one frame of them */"""
_ONE = {
    "LOGIT": "logit",
    "DIFFER": ", differ = 0",
    "ANSWER": """\
    for (int word = 0; word < words; word++) {
        uint64_t any = 0; /* a maximum of signs over time is an OR */
        for (int row = 0; row < rows; row++)
            any |= bits[now][row * words + word];
        differ += popcount(any ^ HEAD_WEIGHTS[word]);
    }
    *logit = HEAD_FAN_IN - 2 * (int)differ + HEAD_BIAS;""",
    "PREDICT": """\
    int logit;
    return answer(x, t, &logit) ? logit > 0 : -1;""",
}
_MANY = {
    "LOGIT": "logits",
    "DIFFER": "",
    "ANSWER": """\
    for (int label = 0; label < N_LABELS; label++)
        logits[label] = HEAD_FAN_IN + HEAD_BIAS[label];
    for (int word = 0; word < words; word++) {
        uint64_t any = 0; /* a maximum of signs over time is an OR */
        for (int row = 0; row < rows; row++)
            any |= bits[now][row * words + word];
        for (int label = 0; label < N_LABELS; label++)
            logits[label] -= 2 * (int)popcount(any ^ HEAD_WEIGHTS[label * words + word]);
    }""",
    "PREDICT": """\
    int logits[N_LABELS], best = 0;
    if (!answer(x, t, logits))
        return -1;
    for (int label = 1; label < N_LABELS; label++)
        if (logits[label] > logits[best])
            best = label; /* of equals, the lower one */
    return best;""",
}


def parts(architecture: Architecture, head_bias: list[int]) -> dict[str, str]:
    """What goes into the template, by name.

    Args:
        architecture: the network's shape.
        head_bias: the last layer's biases.
    """
    fixed = architecture.frames is not None
    joined = architecture.layers[0].is_linear and architecture.min_frames > 1
    labels = "0 or 1" if architecture.n_classes == 2 else f"0 to {architecture.n_classes - 1}"
    values = {"labels": labels, "n": architecture.min_frames}
    numbers = ", ".join(map(str, head_bias))
    many = f"#define N_LABELS {len(head_bias)}\nstatic const int HEAD_BIAS[] = {{{numbers}}};"
    one = f"#define HEAD_BIAS {numbers}"
    return (_ONE if len(head_bias) == 1 else _MANY) | {
        "HEAD_BIAS": one if len(head_bias) == 1 else many,
        "RETURNS": (_RETURNS_FIXED if fixed else _RETURNS).format(**values),
        "LONGER": "" if fixed else _LONGER,
        "CHECK": _CHECK_FIXED.format(joined=_JOINED if joined else "", **values)
        if fixed
        else _CHECK.format(**values),
    }
