import { useLanguage, useTitle } from "../language.tsx";
import { Link } from "../router.tsx";

export function Missing() {
  const { say } = useLanguage();
  useTitle(say({ zh: "没有这个页面", en: "No such page" }));
  return (
    <div className="page">
      <h1>{say({ zh: "没有这个页面", en: "There is no such page" })}</h1>
      <p>{say({ zh: "地址可能已改变。可以用右上角的搜索，或从这里开始:", en: "The address may have changed. Search for it, or begin here:" })}</p>
      <p>
        <Link to="/" className="button primary">
          {say({ zh: "开放平台首页", en: "Start page" })}
        </Link>
      </p>
    </div>
  );
}
