import { Page } from "../parts/page.tsx";
import { Empty } from "../parts/tell.tsx";
import { Link } from "../router.tsx";
import { useSettings } from "../settings.tsx";
import { common } from "../texts/common.ts";

export function Missing() {
  const { say } = useSettings();
  return (
    <Page title={say(common.missing)}>
      <Empty icon="help">
        <p>{say(common.missingHow)}</p>
        <Link to="/" className="button primary">
          {say(common.toHome)}
        </Link>
      </Empty>
    </Page>
  );
}
