// The door: for whoever is not signed in here.

import { useTitle } from "../../parts/page.tsx";
import { Link, usePath, useSearch } from "../../router.tsx";
import { useSettings } from "../../settings.tsx";
import { arrive } from "../../texts/arrive.ts";
import { common } from "../../texts/common.ts";
import { look } from "../../texts/look.ts";

export function Welcome() {
  const { say, language, setLanguage, elder, change } = useSettings();
  useTitle(say(common.name));
  // Whoever came by a link goes on to where it leads, once signed in.
  const [path, search] = [usePath(), useSearch().toString()];
  const next = path === "/" ? "" : `?next=${encodeURIComponent(`${path}${search === "" ? "" : `?${search}`}`)}`;
  return (
    <main id="main" className="welcome">
      <div className="spread">
        <strong>{say(common.name)}</strong>
        <span className="row">
          <button type="button" aria-pressed={elder} onClick={() => change({ elder: !elder })}>
            {say(elder ? look.elderOff : look.elderOn)}
          </button>
          <button type="button" lang={language === "zh" ? "en" : "zh-CN"} onClick={() => setLanguage(language === "zh" ? "en" : "zh")}>
            {say(look.otherLanguage)}
          </button>
        </span>
      </div>
      <img src="/wallet/icon.svg" alt="" width="96" height="96" />
      <h1 className="lead">{say(arrive.welcome)}</h1>
      <p className="soft">{say(arrive.welcomeHow)}</p>
      <div className="stack">
        <Link to="/sign-up" className="button primary wide">
          {say(arrive.signUp)}
        </Link>
        <Link to={`/sign-in${next}`} className="button wide">
          {say(arrive.signIn)}
        </Link>
        <Link to="/help" className="button plain">
          {say(look.whatIs)}
        </Link>
      </div>
    </main>
  );
}
