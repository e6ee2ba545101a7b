"""The main verbs of descriptions in other languages: Chinese, Japanese, Korean, Spanish, Portuguese, French, Italian, German, Russian."""

import re
from typing import Final

from workflows.catalogue.meaning import Said, Strength
from workflows.catalogue.shapes import Category

_FIRST: Final = 80  # characters in which the main verb stands
_FIRST_WORDS: Final = 8

# As they are written, wherever they stand.
_WRITTEN: Final = (
    (
        Category.DESTRUCTIVE,
        """
        删除 刪除 清空 清除 移除 销毁 卸载 撤销 取消 削除 消去 삭제 취소
        """,
    ),
    (
        Category.FINANCIAL,
        """
        支付 付款 退款 转账 轉帳 提现 充值 购买 下单 买入 卖出 支払 返金 送金 購入 결제 환불 송금 구매
        """,
    ),
    (
        Category.EXECUTE,
        """
        执行 執行 运行 启动 触发 调用 生成 部署 点击 実行 起動 실행
        """,
    ),
    (
        Category.WRITE,
        """
        创建 建立 新建 新增 添加 更新 修改 编辑 发送 發送 发布 上传 保存 写入 设置 作成 追加 送信 생성 수정 전송 추가
        """,
    ),
    (
        Category.READ,
        """
        获取 獲取 查询 查詢 查看 搜索 列出 读取 检索 检查 返回 分析 查找 取得 検索 一覧 表示 조회 검색 목록
        """,
    ),
)
# How their words begin.
_STEMS: Final = (
    (
        Category.DESTRUCTIVE,
        """
        elimin borra suprim cancela anula exclui apag deletar supprim efface annule rimuov cancell lösch loesch entfern
        stornier удал отмен vaci
        """,
    ),
    (
        Category.FINANCIAL,
        """
        pagar paga reembols transfier transferir compra vende payer rembours transfér achet rimbors trasfer bezahl
        erstatt überweis ueberweis kaufe verkauf оплат возврат перевод
        """,
    ),
    (
        Category.EXECUTE,
        """
        ejecut execut exécut esegu ausführ lance выполн запус
        """,
    ),
    (
        Category.WRITE,
        """
        crea criar cria crée créer creare actualiz atualiz aggiorn modific modifi agrega añad adicion ajout envia envía
        enviar envoi invia guarda salva erstell erzeug aktualisier änder aendern schick speicher hinzu созда обнов
        отправ добав sendet senden
        """,
    ),
    (
        Category.READ,
        """
        obten obtien obtie obtem lista busca consult muestra mostra recuper récupè cherch recherch affich otten elenc
        cerca ricerc abruf ruft liest zeig suche получ поиск найти показ спис
        """,
    ),
)
_BY_WRITING: Final = tuple((written, category) for category, table in _WRITTEN for written in table.split())
_BY_STEM: Final = tuple((stem, category) for category, table in _STEMS for stem in table.split())
_JOINS: Final = frozenset("并或和及与、再とや와")
_ALREADY: Final = frozenset("已不被未")  # "already", "not": what follows is no verb of the tool


def read_foreign(text: str) -> Said | None:
    """Say what the main verb of a text that is not in English means, with a grave one that is joined to it."""
    start = text[:_FIRST].lower()
    if not start.isascii() and (said := _by_writing(start)):
        return said
    for word in re.findall(r"[^\W\d_]+", start)[:_FIRST_WORDS]:
        for stem, category in _BY_STEM:
            if word.startswith(stem):
                return Said(category, word, Strength.PLAIN)
    return None


def _by_writing(start: str) -> Said | None:
    places = [
        (at, category, written)
        for written, category in _BY_WRITING
        if (at := start.find(written)) >= 0 and start[max(at - 1, 0) : at] not in _ALREADY
    ]
    if not places:
        return None
    joined = [each for each in places if each[1].grave and each[0] > 0 and start[each[0] - 1] in _JOINS]
    _, category, written = joined[0] if joined else min(places)
    return Said(category, written, Strength.PLAIN)
