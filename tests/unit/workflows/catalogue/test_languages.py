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
