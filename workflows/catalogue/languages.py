"""The main verbs of descriptions in other languages: Chinese, Japanese, Korean, Spanish, French, German, Russian and more."""

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
        删除 刪除 清空 清除 清理 移除 销毁 卸载 撤销 撤单 取消 注销 解散 抹除 吊销 回收 削除
        消去 破棄 解除 取り消 キャンセル 初期化 アンインストール
        삭제 취소 제거 초기화 해지 ลบ حذف إلغاء
        """,
    ),
    (
        Category.FINANCIAL,
        """
        支付 付款 退款 转账 轉帳 汇款 打款 收款 扣款 缴费 付费 提现 提币 充值 购买 订购
        下单 下單 买入 卖出 认购 赎回 质押 兑换 还款 支払 決済
        返金 送金 振込 出金 入金 購入 注文 売却 課金 결제 환불 송금 이체 출금 입금 구매 주문 매수 매도 ชำระ دفع
        """,
    ),
    (
        Category.EXECUTE,
        """
        执行 執行 运行 運行 启动 啟動 触发 调用 生成 部署 点击 打开 打開 关闭 停止 重启 转换 渲染 播放 暂停 安装 编译 构建 控制 操作 滚动
        输入 按下 合成 绘制 実行 起動 再起動 変換 開く クリック デプロイ 再生 呼び出 실행 시작 중지 변환 배포 호출 تشغيل
        """,
    ),
    (
        Category.WRITE,
        """
        创建 建立 新建 新增 添加 增加 插入 更新 修改 更改 变更 调整 编辑 編輯 发送 發送
        发布 上传 保存 写入 设置 設定 移动 复制 重命名 分配
        提交 推送 通知 回复 评论 收藏 关注 标记 绑定 授权 审批 记录 导入 合并 修复 启用 禁用 归档 分享 转发 替换 作成 追加 送信 編集 変更
        登録 投稿 移動 書き込 アップロード 記録 コピー 생성 수정 전송 추가 저장 업데이트 등록 변경 작성 업로드 설정 게시 이동 편집 보내
        สร้าง إنشاء تحديث إضافة
        """,
    ),
    (
        Category.READ,
        """
        获取 獲取 查询 查詢 查看 搜索 搜尋 列出 读取 讀取 检索 检查 返回 分析 查找 浏览 显示 下载 解析 计算 统计 验证 比较 预测 推荐 提取
        抓取 爬取 监控 诊断 评估 识别 展示 校验 拉取 筛选 过滤 取得 検索 一覧 表示 確認 読み取 読み込 参照 調べ 計算 返し 返す 抽出 要約
        比較 検証 ダウンロード 조회 검색 목록 가져 확인 반환 분석 읽 표시 계산 추출 다운로드 ค้นหา عرض بحث
        """,
    ),
)
# How their words begin, or, before a "$", are: Spanish, Portuguese, French, Italian, German, Russian, Dutch and more.
_STEMS: Final = (
    (
        Category.DESTRUCTIVE,
        """
        elimin borra borre suprim cancela anula exclui excluir apaga deletar remover destruy
        distrugg revoc revog desinstal vaci supprim efface annule
        annuler révoqu désinstall détrui rimuov cancell annull disinstall lösch loesch entfern stornier widerruf kündig leert удал отмен
        очист стир verwijder wist annuleer usuwa usuń hapus batalkan xóa xoá siler silin видал
        """,
    ),
    (
        Category.FINANCIAL,
        """
        pagar paga reembols transfier transferir compra vende cobra$ cobrar retira$ retirar
        estorn sacar payer paie rembours transfér achet vendre
        débite rimbors trasfer acquist addebit bezahl zahlt erstatt überweis ueberweis kauf
        verkauf bucht belast оплат оплач возврат перевод
        платит купить покуп прода betaal terugbetaal koopt verkoop zapłać płaci kupuj sprzeda bayar öder ödeme thanh
        """,
    ),
    (
        Category.EXECUTE,
        """
        ejecut lanza inicia$ detien detener genera$ generar convierte despliega executa$ executar iniciar gera$ gerar exécut
        lance$ lancer démarr arrêt génèr génér convertir convertit convertiert
        déploi redémarr esegu avvia führt ausführ startet stoppt generier выполн запус останов
        генерир jalankan uruchom wykon çal\u0131\u015ft\u0131r
        ba\u015flat durdur викон
        """,
    ),
    (
        Category.WRITE,
        """
        crea criar cria crée créer creare actualiz atualiz aggiorn modific modifi agrega añad adicion ajout envia envía enviar envoi
        invia guarda salva edita$ editar escrib publica$ publicar publie pubblic asigna mueve renombra
        sube$ inserta inserisc registra$ cadastr alterar mover$
        renome enregistr renomm déplac insèr assigne$ partag mettre scriv rinomin spost erstell erzeug aktualisier änder aendern schick
        speicher füg fügt hinzu setzt verschieb benenn kopier bearbeit schreib созда обнов отправ добав измен редактир сохран записа
        опублик переимен sendet senden maakt aanmak bewerk werkt voegt verstuur opslaan utwórz tworzy dodaj aktualizuj wyślij zapisz
        buat tambah perbarui ubah kirim simpan tạo thêm cập gửi oluştur güncelle ekler gönder kaydet düzenle створ онов додат
        """,
    ),
    (
        Category.READ,
        """
        obten obtien obtie obtem obtém lista busca consult muestra mostra recuper recupér récupè cherch recherch affich otten elenc
        cerca ricerc devuelve retorna retourn renvoi restituisc lee$ leer lire$ legge$
        calcula calcol verific vérifi analiz analyse analizz
        compara$ comparar comparer encuentra encontr trouv trova descarga baixar télécharg scarica pesquis
        exibe montre$ montrer abruf ruft liest zeig suche sucht
        gibt listet findet liefert prüft berechn vergleich durchsuch ermittel получ поиск ищет найти показ спис прочит чита возвращ
        вывод провер анализ вычис haalt zoek toont leest geeft lijst pobier wyszuk pokaż zwraca sprawd ambil cari$ tampil lihat daftar
        dapatkan lấy tìm liệt xem getir listele arar bulur göster отрим пошук знайт
        """,
    ),
)
_BY_WRITING: Final = tuple((written, category) for category, table in _WRITTEN for written in table.split())
_BY_STEM: Final = tuple((stem, category) for category, table in _STEMS for stem in table.split())
_JOINS: Final = frozenset("并或和及与、再とや와")
_ALREADY: Final = frozenset("已不被未")  # "already", "not": what follows is no verb of the tool
# After a word that could be a verb, these make a noun of it: the state of a payment.
_OF_IT: Final = (
    "状态",
    "狀態",
    "记录",
    "列表",
    "信息",
    "详情",
    "历史",
    "方式",
    "结果",
    "接口",
    "次数",
    "履歴",
    "状況",
    "情報",
    "結果",
    "상태",
    "내역",
    "정보",
)
_LAST: Final = re.compile(r"[\u3040-\u30ff\uac00-\ud7a3]")  # where these are written, the verb of a sentence comes last
_ENDS: Final = re.compile(r"[\u3002.!?\n]")


def read_foreign(text: str) -> Said | None:
    """Say what the main verb of a text that is not in English means, with a grave one that is joined to it."""
    start = text[:_FIRST].lower()
    if not start.isascii() and (said := _by_writing(start)):
        return said
    for word in re.findall(r"[^\W\d_]+", start)[:_FIRST_WORDS]:
        for stem, category in _BY_STEM:
            if f"{word}$".startswith(stem):
                return Said(category, word, Strength.PLAIN)
    return None


def _by_writing(start: str) -> Said | None:
    last = bool(_LAST.search(start))
    sentence = (_ENDS.split(start.strip(), maxsplit=1)[0] if last else "") or start
    places = [
        (at, category, written)
        for written, category in _BY_WRITING
        if (at := sentence.rfind(written) if last else sentence.find(written)) >= 0
        and sentence[max(at - 1, 0) : at] not in _ALREADY
        and not sentence.startswith(_OF_IT, at + len(written))
    ]
    if not places:
        return None
    joined = [each for each in places if each[1].grave and each[0] > 0 and sentence[each[0] - 1] in _JOINS]
    _, category, written = joined[0] if joined else (max(places) if last else min(places))
    return Said(category, written, Strength.PLAIN)
