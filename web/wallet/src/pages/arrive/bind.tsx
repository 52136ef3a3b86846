// Binding this browser to the account: by a code, or by asking a device that is bound.

import { useEffect, useState } from "react";

import { api } from "../../api/client.ts";
import type { DeviceRequest } from "../../api/device-requests.ts";
import { newDevice } from "../../api/people.ts";
import type { Device } from "../../api/types.ts";
import { type DeviceKey, makeKey } from "../../device.ts";
import { useFeature } from "../../features.ts";
import { moved } from "../../load.ts";
import { useAct } from "../../parts/act.ts";
import { FactorForm } from "../../parts/factor.tsx";
import { Page } from "../../parts/page.tsx";
import { Busy, Fault, Tip } from "../../parts/tell.tsx";
import { go } from "../../router.tsx";
import { useSession } from "../../session.tsx";
import { useSettings } from "../../settings.tsx";
import { arrive } from "../../texts/arrive.ts";
import { common } from "../../texts/common.ts";
import { safe } from "../../texts/safe.ts";

const LOOK_MS = 2_000;

export default function Bind() {
  const { say } = useSettings();
  const { signed, bound } = useSession();
  const approval = useFeature("approval");
  const [key, setKey] = useState<DeviceKey | null>(null);
  const [request, setRequest] = useState<DeviceRequest | null>(null);
  const { working, error, run } = useAct();

  const ask = () =>
    run(async () => {
      const made = await makeKey();
      setKey(made);
      setRequest(await api<DeviceRequest>("/v1/wallet/device-requests", { method: "POST", body: { device: await newDevice(made) } }));
    });
  const id = request?.id;
  const pending = request?.state === "PENDING";
  useEffect(() => {
    if (id === undefined || !pending || key === null) return;
    const timer = setInterval(() => {
      void api<DeviceRequest>(`/v1/wallet/device-requests/${id}`).then(async (found) => {
        if (found.state === "APPROVED" && found.device_id) await bound({ ...key, device_id: found.device_id });
        setRequest(found);
      }, () => {});
    }, LOOK_MS);
    return () => clearInterval(timer);
  }, [id, pending, key, bound]);

  if (signed?.device) {
    return (
      <Page title={say(safe.bind)}>
        <p className="sign good" aria-hidden="true">
          ✓
        </p>
        <h2 className="lead center" role="status">
          {say(arrive.bindDone)}
        </h2>
        <button type="button" className="primary wide" onClick={() => go("/", { instead: true })}>
          {say(common.done)}
        </button>
      </Page>
    );
  }
  if (request !== null) {
    return (
      <Page title={say(arrive.askApproval)} back={() => setRequest(null)}>
        {request.state === "PENDING" ? (
          <>
            <p className="center soft">{say(arrive.approvalNumber)}</p>
            <p className="sum" data-number={request.number}>
              {request.number}
            </p>
            <Tip>{say(arrive.approvalHow)}</Tip>
            <Busy text={say(arrive.approvalWaiting)} />
          </>
        ) : (
          <Tip kind="bad" title={say(request.state === "REFUSED" ? arrive.approvalRefused : arrive.approvalExpired)} alert />
        )}
      </Page>
    );
  }
  return (
    <Page title={say(safe.bind)}>
      <p className="soft">{say(common.noDeviceHow)}</p>
      <Fault error={error} />
      {approval === true ? (
        <button type="button" className="primary wide" disabled={working} onClick={() => void ask()}>
          {say(arrive.askApproval)}
        </button>
      ) : null}
      <section className="card">
        <h2>{say(arrive.bindByCode)}</h2>
        <FactorForm
          codeOnly
          label={say(common.bindNow)}
          onFactor={async (factor) => {
            const made = await makeKey();
            const device = await api<Device>("/v1/wallet/devices", { method: "POST", body: { device: await newDevice(made), ...factor } });
            await bound({ ...made, device_id: device.device_id });
            moved();
          }}
        />
      </section>
    </Page>
  );
}
