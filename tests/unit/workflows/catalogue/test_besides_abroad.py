"""What a description in another language says that a tool does besides; what is denied or asked there is no deed."""

import pytest

from workflows.catalogue.besides_abroad import besides_abroad


@pytest.mark.parametrize(
    ("description", "words"),
    [
        ("Holt die Liste und leert sie dann.", "und leert sie"),
        ("Liest die Datei, löscht sie gleich.", "löscht sie"),
        ("Zeigt Rechnungen. Danach wird der Kunde gelöscht.", "wird der Kunde gelöscht"),
        ("Consulta el pedido y cancela la reserva.", "y cancela la"),
        ("Affiche le fichier puis efface le dossier.", "puis efface le"),
        ("Mostra i file. I file vengono eliminati.", "vengono eliminati"),
        ("Читает письма и удаляет их.", "и удаляет их"),
        ("读取文件\uff0c之后清空目录。", "之后清空"),
        ("一覧を表示し、削除します。", "削除します"),
        ("목록을 보여주고 주문을 취소합니다.", "취소합니다"),
    ],
)
def test_a_second_verb_or_a_passive_is_found(description: str, words: str) -> None:
    """With the words that say it."""
    assert words in besides_abroad(description)


@pytest.mark.parametrize(
    "description",
    [
        "Liest eine Datei und löscht sie nicht.",
        "Zeigt an, ob der Kunde gelöscht wird.",
        "Zeigt Dateien, die gelöscht wurden.",
        "Lista los archivos y no elimina nada.",
        "查询已删除的文件\uff0c并且不删除任何内容。",
        "削除されたファイルを一覧表示します。",
        "Reads a file and deletes it.",
        "",
    ],
)
def test_what_is_denied_asked_or_past_is_no_deed(description: str) -> None:
    """English is read elsewhere."""
    assert besides_abroad(description) == ()
