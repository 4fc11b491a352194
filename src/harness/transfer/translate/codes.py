"""Codes that multilingual translation models use for a language."""

_FLORES = {
    "ara": "arb", "swa": "swh", "fas": "pes", "msa": "zsm", "lav": "lvs", "est": "est", "nor": "nob", "uzb": "uzn",
    "aze": "azj", "kur": "kmr", "ori": "ory", "nep": "npi", "sqi": "als", "mon": "khk", "yid": "ydd", "pus": "pbt",
    "orm": "gaz", "mlg": "plt", "que": "quy", "aym": "ayr", "zho": "zho", "kon": "kon", "ful": "fuv", "din": "dik",
}  # fmt: skip
"""FLORES-200 names one member of each macrolanguage (NLLB team 2022, appendix)."""

_FLORES_SCRIPTS = {"zh": "Hans"}


def code_candidates(tag: str) -> list[str]:
    """Return what a model may call a language, the likeliest first: FLORES-200 (NLLB), M2M100, mBART.

    :param tag: BCP-47.
    """
    import langcodes

    language = langcodes.Language.get(tag)
    three = language.to_alpha3()
    full = language.maximize()
    script = language.script or _FLORES_SCRIPTS.get(tag) or full.script
    arabic = ["ar_AR"] if language.language == "ar" else []
    return list(
        dict.fromkeys(
            [f"{_FLORES.get(three, three)}_{script}", f"{three}_{script}", str(language.language),
             f"{language.language}_XX",
                f"{language.language}_{full.territory}",
                *arabic]
        )
    )  # fmt: skip


def marian_candidates(tag: str) -> list[str]:
    """Return what a Marian model of several target languages may call one (``>>ara<<``, ``>>cmn_Hans<<``).

    :param tag: BCP-47.
    """
    import langcodes

    language = langcodes.Language.get(tag)
    three = language.to_alpha3()
    script = language.script or _FLORES_SCRIPTS.get(tag) or language.maximize().script
    individual = {"zho": "cmn", "nor": "nob", "msa": "zsm"}.get(three, three)
    return list(dict.fromkeys([tag, three, f"{three}_{script}", individual, f"{individual}_{script}"]))
