"""What `harness` exports, for type checkers: the module itself imports each name when it is first used."""

from harness.gemini.providers import Provider as Provider
from harness.gemini.providers import dialect as dialect
from harness.judge.registry import check as check
from harness.judge.registry import rule as rule
from harness.model import Chunk as Chunk
from harness.model import Event as Event
from harness.model import Evidence as Evidence
from harness.model import Exchange as Exchange
from harness.model import Json as Json
from harness.model import Mismatch as Mismatch
from harness.model import Provenance as Provenance
from harness.model import Reply as Reply
from harness.model import Request as Request
from harness.model import Result as Result
from harness.model import Target as Target
from harness.model import Trial as Trial
from harness.model import Turn as Turn
from harness.model import Verdict as Verdict
from harness.report import Report as Report
from harness.report import View as View
from harness.report import output as output
from harness.run.library import Results as Results
from harness.run.library import Verdicts as Verdicts
from harness.run.library import audit as audit
from harness.run.library import compare_runs as compare_runs
from harness.run.library import judge_reply as judge_reply
from harness.run.library import play as play
from harness.transport.cassette.sources import Recorded as Recorded
from harness.transport.cassette.sources import source as source

__version__: str
__all__: list[str]
