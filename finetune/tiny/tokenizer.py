"""The tokenizer: byte-level BPE of about 1,500 tokens, with whole tokens for what a small model must copy exactly."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from finetune.tiny.episodes import drill_pools
from finetune.tiny.lines import YEARS

SIZE = 1536
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
# Marks that a parser looks for: they stay in the decoded text.
MARKS = ("<think>", "</think>", "<tool_call>", "</tool_call>")
BOILERPLATE = (
    "\n\n",     '\n{"name": "', '", "arguments": {"', '": "', '": ["', '"], "', '", "', '"}}\n', '"]}}\n', ".example",
    "\nread_email(email_id)", "\nsend_email(to, subject, body, cc?, bcc?, attachments?)", "\nread_alert(alert_id)",
    "\ncancel_alert(alert_id, code, reason)", "\nescalate_alert(alert_id, message?)",
    "read_email", "send_email", "read_alert", "cancel_alert", "escalate_alert",
    "email_id", "alert_id", "attachments", "\n# Tools", "\nFrom: ", "\nDate: ", "\nTo: ", "\nSubject: ", "Id: ",
    "\nRaised: ", "\nPlace: ", "\nAlert: ", "\nStatus: open, The ", " is sent at 09:30", "Sent as s1: to ",
    " 08:40", " 08:50", " Attached: ", ".txt",
)  # fmt: skip
RESPONSE_TEMPLATE = {
    "defaults": {"role": "assistant"},
    "start_anchor": "<|im_start|>assistant\n",
    "fields": {
        "reasoning_content": {"open": "<think>", "close": "</think>", "content": "text"},
        "tool_calls": {
            "open_pattern": r"\s*<tool_call>",
            "close": "</tool_call>",
            "repeats": True,
            "content": "json",
            "transform": {"type": "function", "function": "{content}"},
        },
        "content": {"close_pattern": r"\s*(?:<\|im_end\|>|<\|endoftext\|>)", "content": "text"},
    },
}


def copied_words() -> list[str]:
    """Words that become single tokens: names, mailboxes, firms with their domains, codes, numbers, years."""
    pools = drill_pools()
    firms = [*pools["firms"], *(firm.lower() for firm in pools["firms"])]
    return [*pools["names"], *pools["mailboxes"], *firms, *pools["code"], *pools["number"], *YEARS]


def train_tokenizer(texts: Iterable[str]) -> Tokenizer:
    """Train the tokenizer on rendered documents; the same texts give the same tokenizer."""
    added = [AddedToken(text, special=False, normalized=False) for text in (*MARKS, *BOILERPLATE)]
    added += [AddedToken(word, special=False, normalized=False, single_word=True) for word in copied_words()]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    # What is a whole token anyway must not use up merges.
    words = sorted((token.content for token in added), key=len, reverse=True)
    whole = re.compile("|".join(rf"\b{word}\b" if word[0].isalnum() else re.escape(word) for word in words))
    cut = (whole.split(text) for text in texts)
    trainer = trainers.BpeTrainer(
        vocab_size=SIZE - len(added),
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator((part for parts in cut for part in parts if part), trainer)
    tokenizer.add_tokens(added)
    return tokenizer


def save_tokenizer(tokenizer: Tokenizer, folder: Path) -> None:
    """Write ``tokenizer.json`` and ``tokenizer_config.json`` beside the chat template that is there already."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    config: dict[str, Any] = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>",
        "padding_side": "left",
        "clean_up_tokenization_spaces": False,
        "model_max_length": 1024,
        "response_template": RESPONSE_TEMPLATE,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n")
