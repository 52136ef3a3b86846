// The status page: figures of this very server, asked again and again.

import { useEffect, useState } from "react";

import { ask, ApiProblem } from "@shared/api.ts";
import { shownTime } from "@shared/time.ts";

import { useLanguage, useTitle } from "../language.tsx";
import { PREFIX } from "../router.tsx";

interface Status {
  readonly status: "operational" | "catching_up";
  readonly version: string;
  readonly time: string;
  readonly sandbox: boolean;
  readonly records: number;
  readonly lag: number;
  readonly checkpoint: { readonly size: number; readonly root: string; readonly signed_at?: string };
}

const EVERY_MS = 3000;
/** Answers that are kept for the line of answer times. */
const KEPT = 60;

interface Look {
  readonly at: number;
  /** Milliseconds that the answer took; `null` when none came. */
  readonly took: number | null;
}

interface Seen {
  status: Status | null;
  lost: string | null;
  looks: readonly Look[];
}

/** The state of the service, looked at while the page is looked at. */
function useStatus(): Seen {
  const [seen, setSeen] = useState<Seen>({ status: null, lost: null, looks: [] });
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = new AbortController();
    const look = async () => {
      if (document.visibilityState === "hidden") return;
      const from = performance.now();
      const note = (took: number | null, rest: Partial<Seen>) =>
        setSeen((was) => ({ ...was, ...rest, looks: [...was.looks, { at: Date.now(), took }].slice(-KEPT) }));
      try {
        const { body } = await ask<Status>(`${PREFIX}/v1/public/status`, { signal: stop.signal });
        note(performance.now() - from, { status: body, lost: null });
      } catch (error) {
        if (stop.signal.aborted) return;
        note(null, { lost: error instanceof ApiProblem ? error.problem.title : "" });
      }
      timer = setTimeout(look, EVERY_MS);
    };
    const again = () => {
      clearTimeout(timer);
      void look();
    };
    again();
    document.addEventListener("visibilitychange", again);
    return () => {
      stop.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", again);
    };
  }, []);
  return seen;
}

/** Records a second between the first and the last status that was seen. */
function usePace(status: Status | null): number | null {
  const [first, setFirst] = useState<Status | null>(null);
  useEffect(() => {
    if (status !== null) setFirst((was) => was ?? status);
  }, [status]);
  if (first === null || status === null) return null;
  const seconds = (Date.parse(status.time) - Date.parse(first.time)) / 1000;
  return seconds < 1 ? null : (status.records - first.records) / seconds;
}

export default function StatusPage() {
  const { say } = useLanguage();
  const { status, lost, looks } = useStatus();
  const pace = usePace(status);
  useTitle(say({ zh: "服务状态", en: "Status" }));
  const face = lost !== null ? "lost" : (status?.status ?? "loading");
  const words = {
    loading: say({ zh: "正在查询…", en: "Asking…" }),
    operational: say({ zh: "服务正常", en: "Operational" }),
    catching_up: say({ zh: "付款正常，查询略有延迟", en: "Payments work; lists and receipts trail a little" }),
    lost: `${say({ zh: "没有得到回答", en: "No answer" })}${lost ? `: ${lost}` : ""}`,
  };
  const took = looks.flatMap((look) => (look.took === null ? [] : [look.took])).sort((a, b) => a - b);
  return (
    <div className="page">
      <h1>{say({ zh: "服务状态", en: "Status" })}</h1>
      <p className="health" data-face={face} role="status">
        {words[face]}
      </p>
      {status !== null && (
        <dl className="figures">
          <Figure name={say({ zh: "账本记录", en: "Records in the ledger" })} value={status.records.toLocaleString("en-US")} />
          <Figure name={say({ zh: "每秒新增记录", en: "New records a second" })} value={pace === null ? "…" : pace.toFixed(1)} />
          <Figure name={say({ zh: "查询落后的记录", en: "Records that lists trail by" })} value={status.lag.toLocaleString("en-US")} />
          <Figure name={say({ zh: "从这里看的回答时间(中位)", en: "Answer time from here (median)" })} value={took.length === 0 ? "…" : `${(took[Math.floor(took.length / 2)] ?? 0).toFixed(0)} ms`} />
          <Figure name={say({ zh: "最新检查点", en: "Newest checkpoint" })} value={status.checkpoint.size.toLocaleString("en-US")} />
          <Figure name={say({ zh: "服务器时间", en: "Server's time" })} value={shownTime(status.time)} />
          <Figure name={say({ zh: "版本", en: "Version" })} value={status.version} />
          <Figure name={say({ zh: "环境", en: "Environment" })} value={status.sandbox ? say({ zh: "沙箱", en: "sandbox" }) : say({ zh: "生产", en: "production" })} />
        </dl>
      )}
      <h2>{say({ zh: "这三分钟", en: "The last three minutes" })}</h2>
      <Answers looks={looks} />
      <p className="soft">
        {say({
          zh: "这些数字由您的浏览器每 3 秒向 /v1/public/status 查询得到，不是汇总的历史。生产中请监控您自己的成功率、延迟与错误码。",
          en: "Your browser asks /v1/public/status for these every 3 seconds; they are no history. In production, watch your own success rate, latency and error codes.",
        })}
      </p>
    </div>
  );
}

function Figure({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

/** One bar an answer; a missing answer is a full red one. */
function Answers({ looks }: { looks: readonly Look[] }) {
  const { say } = useLanguage();
  const most = Math.max(50, ...looks.map(({ took }) => took ?? 0));
  const failed = looks.filter(({ took }) => took === null).length;
  return (
    <svg
      className="answers"
      viewBox={`0 0 ${KEPT * 10} 100`}
      preserveAspectRatio="none"
      role="img"
      aria-label={say({ zh: `${looks.length} 次查询,${failed} 次没有回答`, en: `${looks.length} questions, ${failed} without an answer` })}
    >
      {looks.map(({ at, took }, place) => {
        const height = took === null ? 100 : Math.max(4, (took / most) * 100);
        return <rect key={at} data-lost={took === null} x={place * 10 + 1} width={8} y={100 - height} height={height} />;
      })}
    </svg>
  );
}
