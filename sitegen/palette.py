"""The colours of the figures; nothing is imported here, so it costs nothing."""

# name in a listing: (light, dark). The names say what a colour means.
COLORS = {
    "he": ("#0060A0", "#6CB6F5"),
    "glorot": ("#B45F00", "#F2A93B"),
    "lecun": ("#007A5A", "#3CCB9B"),
    "narrow": ("#B0468A", "#E79AC8"),
    "other": ("#5B5B5B", "#BDBDBD"),
    "wide": ("#C4342B", "#FF8A7A"),
    "ink": ("#1C1B19", "#E8E5DF"),
    "muted": ("#5C5850", "#ABA69C"),
    "axis": ("#8C877D", "#6F6B63"),
    "grid": ("#E9E5DD", "#2E2C28"),
    "page": ("#FFFFFF", "#161513"),
    "panel": ("#F7F5F0", "#201F1C"),
    "heat0": ("#F4F1EA", "#23211E"),
    "heat1": ("#DFE6EA", "#25303A"),
    "heat2": ("#BFD3E0", "#29455A"),
    "heat3": ("#8FB4D0", "#32607F"),
    "heat4": ("#5A92BF", "#4A8CB8"),
    "heat5": ("#2776B0", "#5AA0D6"),
    "heat6": ("#0060A0", "#6CB6F5"),
}
