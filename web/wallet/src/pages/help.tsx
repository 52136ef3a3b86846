// Help: chapters to read, a receipt to check, the way to people.

import { useFeature } from "../features.ts";
import { Page } from "../parts/page.tsx";
import { Link } from "../router.tsx";
import { useSession } from "../session.tsx";
import { useSettings } from "../settings.tsx";
import { chapters, learn } from "../texts/learn.ts";
import { safe } from "../texts/safe.ts";

export default function Help({ rest }: { rest: string }) {
  const { say } = useSettings();
  const { signed } = useSession();
  const chapter = chapters.find((one) => one.id === rest);
  if (chapter !== undefined) {
    return (
      <Page title={say(chapter.title)} back="/help">
        <div className="prose">
          {chapter.words.map((words) => (
            <p key={words.en}>{say(words)}</p>
          ))}
        </div>
        {chapter.id === "check" && signed ? (
          <Link to="/verify" className="button">
            {say(learn.verify)}
          </Link>
        ) : null}
      </Page>
    );
  }
  return (
    <Page title={say(learn.title)} back={signed ? "/me" : "/"}>
      <ul className="list">
        {chapters.map((one) => (
          <li key={one.id}>
            <Link to={`/help/${one.id}`} className="go">
              <span className="text">{say(one.title)}</span>
            </Link>
          </li>
        ))}
      </ul>
      {signed ? <Contact /> : null}
    </Page>
  );
}

function Contact() {
  const { say } = useSettings();
  const tickets = useFeature("tickets");
  return (
    <>
      <Link to="/verify" className="button">
        {say(learn.verify)}
      </Link>
      {tickets === true ? (
        <Link to="/tickets" className="button">
          {say(safe.tickets)}
        </Link>
      ) : (
        <a href="/developers/feedback" className="button">
          {say(learn.feedback)}
        </a>
      )}
    </>
  );
}
