"""Descriptions in other languages are read for their main verb."""

import pytest

from tests.unit.workflows.catalogue.definitions import category
from workflows.catalogue.languages import read_foreign


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("删除文件", "Destructive"),
        ("支付订单", "Financial"),
        ("申请退款", "Financial"),
        ("转账到另一个账户", "Financial"),
        ("创建一个新任务", "Write"),
        ("获取服务器健康状态", "Read"),
        ("查询支付状态", "Read"),
        ("列出已删除的文件", "Read"),
        ("查找并删除文件", "Destructive"),
        ("执行命令", "Execute"),
        ("ファイルを削除します", "Destructive"),
        ("파일을 삭제합니다", "Destructive"),
        ("Elimina un archivo.", "Destructive"),
        ("Transfiere dinero a otra cuenta.", "Financial"),
        ("Löscht einen Benutzer.", "Destructive"),
        ("Supprime une facture.", "Destructive"),
        ("Exclui um cliente.", "Destructive"),
        ("Crea un cliente.", "Write"),
        ("Envoie un message.", "Write"),
        ("Obtiene la lista de clientes.", "Read"),
        ("Удаляет пользователя.", "Destructive"),
        ("Получить список.", "Read"),
    ],
)
def test_the_main_verb_is_known(text: str, expected: str) -> None:
    """Deletion, payment, sending, making and reading."""
    said = read_foreign(text)
    assert said is not None
    assert said.category.value == expected
    assert category("", text).value == expected


@pytest.mark.parametrize("text", ["", "天气", "Wetter", "already"])
def test_other_words_say_nothing(text: str) -> None:
    """A noun is no verb."""
    assert read_foreign(text) is None


def test_a_name_in_another_language_is_read_too() -> None:
    """Where no English verb is found in it."""
    assert category("borrar_archivo").value == "Destructive"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("検索結果を削除します", "Destructive"),
        ("削除されたファイルの一覧を取得します", "Read"),
        ("注文を作成して送信する。削除はしない", "Write"),
        ("결제 내역 조회", "Read"),
        ("사용자를 조회하고 삭제", "Destructive"),
        ("支付状态查询", "Read"),
        ("关闭容器", "Execute"),
        ("汇款给收款人", "Financial"),
        ("Überweist einen Betrag.", "Financial"),
        ("Führt ein Skript aus.", "Execute"),
        ("Fügt eine Zeile hinzu.", "Write"),
        ("Démarre un conteneur.", "Execute"),
        ("Renomme un fichier.", "Write"),
        ("Révoque un jeton.", "Destructive"),
        ("Estorna uma cobrança.", "Financial"),
        ("Pesquisa clientes.", "Read"),
        ("Verwijdert een bestand.", "Destructive"),
        ("Usuwa plik.", "Destructive"),
        ("Hapus berkas.", "Destructive"),
    ],
)
def test_the_verb_is_found_where_the_language_puts_it(text: str, expected: str) -> None:
    """Last in Japanese and Korean, and not in the name of a state."""
    said = read_foreign(text)
    assert said is not None
    assert said.category.value == expected


@pytest.mark.parametrize("text", ["General vendor", "Public convertible", "Executive assignment", "Leeward", "Montreal", "Legging"])
def test_an_english_word_that_begins_like_a_verb_is_none(text: str) -> None:
    """Short stems are whole words."""
    assert read_foreign(text) is None
